"""PullLines: one live line at the foot of a terminal for each image that is being pulled.

DESIGN. Whoever writes to the terminal lifts the lines first and puts them down again afterwards, so that they are
always last. What isn't a terminal gets none. A step's log tells the same progress; those lines are left out, and stay
in what is kept of the run.
"""

from rich.console import Console

from pipelines.pulls import PullProgress
from pipelines.records import ImagePull, Log, Stream
from runner.visible import plain

_ERASE_LINE_ABOVE = "\x1b[1A\x1b[2K"


class PullLines:
    """The pulls under way on one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pulls: dict[tuple[str, str], PullProgress] = {}
        self._drawn = 0

    def take(self, record: ImagePull) -> None:
        """Note where a pull stands."""
        if record.progress.has_ended:
            self._pulls.pop((record.job, record.image), None)
        else:
            self._pulls[record.job, record.image] = record.progress

    def without_progress(self, record: Log) -> tuple[str, ...]:
        """A log's lines without those that tell what a live line does."""
        if record.stream is not Stream.SYSTEM or not self._pulls:
            return tuple(record.lines)
        told = {f"{image}: {progress}" for (_, image), progress in self._pulls.items()}
        return tuple(line for line in record.lines if line not in told)

    def lift(self) -> None:
        """Take the lines off the terminal."""
        if self._drawn:
            self._console.file.write(_ERASE_LINE_ABOVE * self._drawn)
            self._drawn = 0

    def put_down(self) -> None:
        """Write them where the cursor is."""
        if self._pulls and self._console.file.isatty() and not self._console.is_dumb_terminal:
            lines = dict.fromkeys(f"⇣ {plain(image)}: {pull}" for (_, image), pull in self._pulls.items())
            self._console.file.write("".join(f"{line[: self._console.width - 1]}\n" for line in lines))
            self._console.file.flush()
            self._drawn = len(lines)
