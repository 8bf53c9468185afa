"""Metrics: how the service fares, in the text form that Prometheus reads (version 0.0.4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from starlette.responses import PlainTextResponse, Response

from worker.context import Context, Serving
from worker.health import trouble
from worker.store import counts

_MEDIA_TYPE = "text/plain; version=0.0.4"
Labels = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric with all its samples. `kind` is counter, gauge or summary; a sample is a suffix, labels and a number."""

    name: str
    kind: str
    meaning: str
    samples: Sequence[tuple[str, Labels, float]]


def show_metrics(context: Serving) -> Response:
    """All metrics, as they are now."""
    return PlainTextResponse(exposition(_families(context)), media_type=_MEDIA_TYPE)


def exposition(families: Sequence[Family]) -> str:
    """The families as text."""
    return "".join(line for family in families for line in _lines(family))


def _families(context: Context) -> list[Family]:
    with context.database.read() as connection:
        runs = counts.runs_by_status(connection)
        waiting_seconds = counts.longest_wait_seconds(connection)
        untold = counts.untold_statuses(connection)
    return [
        Family(
            name="headrace_info",
            kind="gauge",
            meaning="The program that answers.",
            samples=[("", {"version": version("headrace")}, 1)],
        ),
        Family(
            name="headrace_ready",
            kind="gauge",
            meaning="1 while runs are given out, as /readyz says.",
            samples=[("", {}, 0 if trouble(context) else 1)],
        ),
        Family(
            name="headrace_runs",
            kind="gauge",
            meaning="Runs that have not ended, by status.",
            samples=[("", {"status": status}, count) for status, count in runs],
        ),
        Family(
            name="headrace_longest_wait_seconds",
            kind="gauge",
            meaning="How long the oldest task has waited for a worker.",
            samples=[("", {}, waiting_seconds)],
        ),
        Family(
            name="headrace_statuses_waiting",
            kind="gauge",
            meaning="Commit statuses that their forge has not been told yet.",
            samples=[("", {}, untold)],
        ),
        _requests(context),
    ]


def _requests(context: Context) -> Family:
    samples: list[tuple[str, Labels, float]] = []
    for kind, count, seconds in context.traffic.so_far():
        labels = {"method": kind.method, "route": kind.route, "status": str(kind.status)}
        samples += [("_count", labels, count), ("_sum", labels, seconds)]
    return Family(
        name="headrace_http_answer_seconds",
        kind="summary",
        meaning="Requests, and the seconds until their answers began.",
        samples=samples,
    )


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for suffix, labels, value in family.samples:
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{family.name}{suffix}{f'{{{inside}}}' if inside else ''} {value:.15g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
