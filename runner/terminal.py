"""The terminal: a Sink that shows a run to a person, line by line, with one table of results at the end.

Log lines stand behind the name of their step. A step's output may hold anything: colours pass, all else that could
move the cursor, change the title or hide what stands there does not.
"""

import re

from rich.console import Console
from rich.text import Text

from pipelines.plan import Plan
from pipelines.records import (
    AnyRecord,
    Artifact,
    ImagePull,
    JobFinished,
    Log,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Stream,
)
from pipelines.status import Status
from runner.pulllines import PullLines
from runner.visible import plain, visible

_MARKS = {
    Status.SUCCESS: ("✓", "green"),
    Status.FAILURE: ("✗", "red"),
    Status.ERROR: ("!", "red"),
    Status.CANCELLED: ("■", "yellow"),
    Status.TIMED_OUT: ("◷", "red"),
    Status.LOST: ("?", "red"),
    Status.SKIPPED: ("-", "dim"),
}
_LONG_MS = 10_000
_WIDEST_COMMAND = 60
_COLOURS = ("cyan", "magenta", "blue", "yellow", "green", "bright_cyan", "bright_magenta", "bright_blue")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


class PlainConsole(Console):
    """A console that leaves a broken pipe to its caller; rich would end the thread that happens to print."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more."""
        raise BrokenPipeError


class Terminal:
    """Shows the Records of one run on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = 0
        self._has_many_jobs = False
        self._prefixes: dict[str, str] = {}
        self._commands: dict[tuple[str, str], tuple[str, ...]] = {}
        self._finished: list[JobFinished | StepFinished] = []
        self._artifacts = 0
        self._pulls = PullLines(console)

    def __call__(self, record: AnyRecord) -> None:
        """Show one Record."""
        self._pulls.lift()
        self._show(record)
        self._pulls.put_down()

    def _show(self, record: AnyRecord) -> None:
        match record:
            case ImagePull():
                self._pulls.take(record)
            case RunStarted():
                self._show_plan(record.plan)
            case StepStarted():
                self._line(record.job, record.step, Text(f"▸ {plain(record.image)}", style="dim"))
            case Log():
                self._show_log(record)
            case Artifact():
                self._artifacts += 1
                kept = f"▪ artifact {plain(record.path)} ({_size(record.size_bytes)})"
                self._line(record.job, record.step, Text(kept, style="dim"))
            case StepFinished():
                self._finished.append(record)
                if record.status is not Status.SKIPPED:
                    self._show_long_commands(record)
                    self._line(record.job, record.step, _verdict(record))
            case JobFinished():
                self._finished.append(record)
            case RunFinished():
                self._show_results(record)

    def _show_plan(self, plan: Plan) -> None:
        self._has_many_jobs = len(plan.included_jobs) > 1
        self._commands = {(job.name, step.name): step.commands for job in plan.included_jobs for step in job.steps}
        names = [
            self._name(job.name, step.name)
            for job in plan.included_jobs
            for step in (*job.services, *job.included_steps)
        ]
        self._width = min(max(map(len, names), default=0), 40)

    def _show_log(self, record: Log) -> None:
        """Write a step's lines past rich, which would take a second for what a step may print in a tenth of it."""
        has_colours = self._console.color_system is not None
        before = "\x1b[2;3m" if has_colours and record.stream is Stream.SYSTEM else ""
        after = "\x1b[0m" if has_colours else ""
        prefix = self._prefix(record.job, record.step)
        lines = (_last_state(line, keep_colours=has_colours) for line in self._pulls.without_progress(record))
        self._console.file.write("".join(f"{prefix}{before}{line}{after}\n" for line in lines))
        self._console.file.flush()

    def _show_long_commands(self, record: StepFinished) -> None:
        """Where the time of a step with several commands went."""
        texts = self._commands.get((record.job, record.step), ())
        for run in record.commands:
            if len(texts) > 1 and run.duration_ms >= _LONG_MS and run.command < len(texts):
                first = plain(texts[run.command].partition("\n")[0])[:_WIDEST_COMMAND]
                self._line(record.job, record.step, Text(f"▪ {_seconds(run.duration_ms)} for {first}", style="dim"))

    def _line(self, job: str, step: str, text: Text) -> None:
        self._console.print(Text.from_ansi(self._prefix(job, step)) + text, soft_wrap=True, highlight=False)

    def _prefix(self, job: str, step: str) -> str:
        """The step's name in its colour, as the terminal takes it."""
        name = self._name(job, step)
        if name not in self._prefixes:
            colour = _COLOURS[len(self._prefixes) % len(_COLOURS)]
            with self._console.capture() as captured:
                self._console.print(Text(f"{name:<{self._width}} │ ", style=colour), end="", soft_wrap=True)
            self._prefixes[name] = captured.get()
        return self._prefixes[name]

    def _name(self, job: str, step: str) -> str:
        return plain(f"{job}/{step}" if self._has_many_jobs else step)

    def _show_results(self, record: RunFinished) -> None:
        self._console.print()
        for finished in self._finished:
            if isinstance(finished, StepFinished):
                name = Text(f"  {self._name(finished.job, finished.step):<{self._width}}  ")
                self._console.print(name + _verdict(finished), soft_wrap=True, highlight=False)
        for finished in self._finished:
            if isinstance(finished, JobFinished) and finished.reason:
                why = Text(f"  job {plain(finished.job)}: {plain(finished.reason)}")
                self._console.print(why, soft_wrap=True, highlight=False)
        mark, style = _MARKS[record.status]
        reason = f": {plain(record.reason)}" if record.reason else ""
        said = f"{mark} {record.status} in {_seconds(record.duration_ms)}{reason}"
        self._console.print(Text(said, style=f"bold {style}"), soft_wrap=True, highlight=False)


def _last_state(line: str, *, keep_colours: bool) -> str:
    """What a terminal would show of a line in the end: of a progress bar, its last state."""
    shown = visible(line.rstrip("\r").rpartition("\r")[2])
    return shown if keep_colours else _COLOUR.sub("", shown)


def _verdict(record: StepFinished) -> Text:
    mark, style = _MARKS[record.status]
    word = "" if record.status is Status.SUCCESS else f" {record.status}"
    reason = f": {plain(record.reason)}" if record.reason else ""
    time = f" {_seconds(record.duration_ms)}" if record.status is not Status.SKIPPED else ""
    attempt = f" in attempt {record.attempt}" if record.attempt > 1 else ""
    return Text(f"{mark}{word}{time}{attempt}{reason}", style=style)


def _seconds(duration_ms: int) -> str:
    seconds = duration_ms / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
