"""Truth: what must hold of every run once it has ended, whatever happened to those who did it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.records import AnyRecord, JobFinished, Log, RunFinished, StepFinished, Stream
from tests.waiting import wait_until
from tests.worker.statuses.fakeforge import FakeForge, Taken

ENDS = frozenset({"success", "failure", "error", "cancelled", "timed_out", "skipped", "lost"})
_FINAL = {"success": "success", "skipped": "success", "failure": "failure", "timed_out": "failure"}
_CONTEXT = "headrace/push"


def assert_one_end(run: dict[str, Any], records: Sequence[AnyRecord]) -> None:
    """The run, each of its jobs and each of its steps has ended, once, and the history says the same as the page."""
    numbers = [record.seq for record in records if not isinstance(record, Log)]
    assert numbers == list(range(1, len(numbers) + 1)), "Records are numbered without a gap"
    assert isinstance(records[-1], RunFinished), records[-1]
    ends = Counter(_what_ended(record) for record in records)
    del ends[()]
    shown = _statuses(run)
    assert ends == Counter((*name, status) for name, status in shown.items()), run
    assert set(shown.values()) <= ENDS, run
    assert run["status"] != "success" or {status for name, status in shown.items() if len(name) < 2} == {"success"}


def _what_ended(record: AnyRecord) -> tuple[str, ...]:
    """The run `()`, a job or a step, and as what; nothing if this is no end."""
    match record:
        case RunFinished():
            return (record.status.value,)
        case JobFinished():
            return (record.job, record.status.value)
        case StepFinished():
            return (record.job, record.step, record.status.value)
        case _:
            return ()


def _statuses(run: dict[str, Any]) -> dict[tuple[str, ...], str]:
    shown: dict[tuple[str, ...], str] = {(): run["status"]}
    for job in _planned(run):
        shown[job["name"],] = job["status"]
        shown |= {(job["name"], step["name"]): step["status"] for step in job["steps"]}
    return shown


def _planned(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs that are no mere mention of what the plan left out."""
    return [job for job in run["jobs"] if job["included"]]


def assert_log_exact(records: Sequence[AnyRecord], step: str, printed: Sequence[str], *, is_whole: bool) -> None:
    """What the step printed is there to the byte, from the first line on: all of it, or all until it was stopped."""
    logs = [record for record in records if isinstance(record, Log) and record.step == step]
    output = [line for log in logs if log.stream is Stream.STDOUT for line in log.lines]
    lines = [line for line in output if not line.startswith("+ ")]  # the shell's echo of what it runs
    assert lines == list(printed if is_whole else printed[: len(lines)])
    numbers = [log.line + offset for log in logs for offset in range(len(log.lines))]
    assert numbers == list(range(1, len(numbers) + 1)), "each line has its number"


def assert_told_once(forge: FakeForge, run: dict[str, Any], *, is_repeated: bool = False) -> None:
    """The forge was told the end of the run and of each job, once, and nothing after it.

    With `is_repeated` the same end may have come more than once: a server that is killed before it notes that the
    forge has taken a status says it again.
    """
    due = {_CONTEXT: run["status"], **{f"{_CONTEXT}/{job['name']}": job["status"] for job in _planned(run)}}
    wait_until(lambda: _ended(forge, run) == set(due), seconds=150, what=f"the forge is told the ends of {due}")
    assert {each.context for each in _told(forge, run)} == set(due)
    for context, status in due.items():
        states = [each.state for each in _told(forge, run) if each.context == context]
        ends = [state for state in states if state != "pending"]
        assert set(ends) == {_FINAL.get(status, "error")}, (context, status, states)
        assert states[-len(ends) :] == ends, f"nothing comes after the end: {states}"
        assert len(ends) == 1 or is_repeated, f"{context} has ended more than once: {states}"


def _told(forge: FakeForge, run: dict[str, Any]) -> list[Taken]:
    with forge.lock:
        return [each for each in forge.taken if each.sha == run["event"]["sha"]]


def _ended(forge: FakeForge, run: dict[str, Any]) -> set[str]:
    return {each.context for each in _told(forge, run) if each.state != "pending"}
