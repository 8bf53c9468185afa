"""Files that steps left behind."""

from typing import Annotated

from pydantic import BaseModel, Field


class Artifact(BaseModel):
    """A file that a step left behind. `path` is relative to the workspace, `sha256` in hex."""

    id: int
    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str
    url: Annotated[str, Field(description="where it is downloaded")]


class Artifacts(BaseModel):
    """Artifacts of a run. `after` asks for the next ones; it is null after the last."""

    artifacts: list[Artifact]
    after: int | None = None
    removed: Annotated[str, Field(description="since when and why they can't be downloaded any more, or empty")] = ""
