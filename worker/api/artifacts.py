"""Artifacts: what a run's steps left behind, listed and downloaded.

SECURITY. An artifact is whatever a step wrote. It is only ever downloaded: never rendered, never sniffed, and sandboxed
without scripts or our cookies should a browser show it after all.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, BinaryIO
from urllib.parse import quote

from fastapi import Query
from starlette.responses import StreamingResponse

from runner.errors import ArtifactError
from runner.results.artifacts import StoredArtifact as KeptArtifact
from worker.api import models
from worker.api.numbers import LARGEST, Number
from worker.context import Context, Serving, path
from worker.errors import NotFound
from worker.storage import Files
from worker.store import parts, queries
from worker.store.parts import StoredArtifact
from worker.store.retained import check_there, removals_of

_CHUNK_BYTES = 256 * 1024


def list_artifacts(
    run_id: str,
    context: Serving,
    limit: Annotated[int, Query(description="at most this many", ge=1, le=1000)] = 200,
    after: Annotated[int | None, Query(description="only those after the one with this id", ge=1, le=LARGEST)] = None,
) -> models.Artifacts:
    """The artifacts of a run, by job, step and path."""
    with context.database.read() as connection:
        queries.run_with_id(connection, run_id)
        stored = parts.artifacts_of(connection, run_id, limit=limit, after=after)
        removal = removals_of(connection, run_id).get(Files.ARTIFACTS)
    return models.Artifacts(
        artifacts=[_artifact(context, artifact) for artifact in stored],
        after=stored[-1].id if len(stored) == limit else None,
        removed=str(removal) if removal else "",
    )


def download_artifact(artifact_id: Number, context: Serving) -> StreamingResponse:
    """An artifact's content, as a download."""
    with context.database.read() as connection:
        artifact = parts.artifact_with_id(connection, artifact_id)
        check_there(connection, artifact.run_id, Files.ARTIFACTS)
    return StreamingResponse(
        _chunks(_opened(context, artifact)),
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": disposition(artifact.path),
            "Content-Length": str(artifact.size_bytes),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def artifact_path(artifact_id: int) -> str:
    """The path of an artifact's download."""
    return path("api", "artifacts", artifact_id, "content")


def disposition(artifact: str) -> str:
    """The header that makes a download of a path: its last part, first in plain characters, then as it is."""
    name = PurePosixPath(artifact).name or "artifact"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _artifact(context: Context, artifact: StoredArtifact) -> models.Artifact:
    return models.Artifact(
        id=artifact.id,
        job=artifact.job,
        step=artifact.step,
        path=artifact.path,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        url=context.settings.url + artifact_path(artifact.id),
    )


def _opened(context: Context, artifact: StoredArtifact) -> BinaryIO:
    kept = KeptArtifact(
        job=artifact.job,
        step=artifact.step,
        path=artifact.path,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
    )
    try:
        return context.storage.artifacts(artifact.run_id).open(kept)
    except ArtifactError as error:
        raise NotFound(str(error)) from error


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
