"""The runs that this machine keeps, by what the first and the last of their Records say."""

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import msgspec

from pipelines.records import AnyRecord, RunFinished, RunStarted, decode
from runner.results.history import RECORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A local run. `status` is `""` if it goes on, or was killed; `title` the first line of the commit's message."""

    id: str
    status: str
    started_at: str
    event: str
    branch: str
    author: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are wanted: those with all that is said here; `""` is any. `branch` may be a tag of a local run."""

    branch: str = ""
    status: str = ""
    event: str = ""
    author: str = ""

    def admits(self, run: KeptRun) -> bool:
        """True if a run of this machine is wanted."""
        said = asdict(self)
        return all(not value or value == getattr(run, name) for name, value in said.items())


EVERY_RUN = RunFilter()


def kept_runs(runs: Path, *, limit: int, wanted: RunFilter = EVERY_RUN) -> list[KeptRun]:
    """The latest of the runs that are wanted, latest first; their ids sort by time."""
    directories = sorted((path.parent for path in runs.glob(f"*/{RECORDS}")), reverse=True)
    found = (_described(directory) for directory in directories)
    return list(islice((run for run in found if run and wanted.admits(run)), limit))


def _described(directory: Path) -> KeptRun | None:
    """None for a run that was killed before it said what it was."""
    lines = (directory / RECORDS).read_bytes().splitlines()
    first, last = (_record(lines[index]) if lines else None for index in (0, -1))
    if not isinstance(first, RunStarted):
        return None
    event = first.plan.event
    return KeptRun(
        id=directory.name,
        status=last.status.value if isinstance(last, RunFinished) else "",
        started_at=first.time,
        event=event.kind.value,
        branch=event.tag or event.branch,
        author=event.author,
        title=event.message.partition("\n")[0],
    )


def _record(line: bytes) -> AnyRecord | None:
    try:
        return decode(line)
    except msgspec.DecodeError:
        return None  # the last line of a run that was killed while it wrote
