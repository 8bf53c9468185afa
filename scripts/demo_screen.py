"""What the demo prints: headings, and a run's Records as they come, one line after another."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

Record = dict[str, Any]

_COLOURS = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
_MARKS = {"success": ("✔", "green"), "failure": ("✘", "red"), "error": ("✘", "red"), "skipped": ("·", "dim")}
_OTHER_MARK = ("!", "yellow")


class DemoError(Exception):
    """Raised when the demo can't show what it is there to show."""


def show_run(lines: Iterable[str]) -> str:
    """Print a run from the lines of its event stream; how it ended, `""` if the stream broke off."""
    for record in records(lines):
        show(record)
        if record["type"] == "run_finished":
            return str(record["status"])
    return ""


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The Records in server-sent events: the `data:` lines up to an empty one are one Record as JSON."""
    data = ""
    for line in lines:
        field, _, value = line.partition(":")
        if field == "data":
            data += value.removeprefix(" ")
        elif data and not line:
            yield json.loads(data)
            data = ""


def show(record: Record) -> None:
    """Print what there is to say about one Record."""
    match record["type"]:
        case "job_started":
            say(f"job {paint(record['job'], 'bold')}")
        case "step_started":
            say(f"▸ {record['step']} {paint(record['image'], 'dim')}")
        case "log":
            for line in record["lines"]:
                say(f"{paint('│', 'dim')} {printable(line)}")
        case "step_finished":
            say(f"{mark(record)} {record['step']} {paint(remark(record), 'dim')}")
        case "run_finished":
            say(f"{mark(record)} {record['status']} {paint(remark(record), 'dim')}")


def mark(record: Record) -> str:
    """The sign of a status, in its colour."""
    return paint(*_MARKS.get(record["status"], _OTHER_MARK))


def remark(record: Record) -> str:
    """How long it took, and why it ended so if there is something to say."""
    reason = f"  {printable(record['reason'])}" if record["reason"] else ""
    return f"{record['duration_ms'] / 1000:.1f} s{reason}"


def printable(text: str) -> str:
    """The text without what a terminal would obey: a build's output is a stranger's."""
    return "".join(character if character.isprintable() else " " for character in text)


def heading(text: str) -> None:
    """The title of the next chapter."""
    print(f"\n{paint(text, 'bold')}", flush=True)


def say(text: str) -> None:
    """One line of a chapter, at once."""
    print(f"   {text}", flush=True)


def paint(text: str, colour: str) -> str:
    """The text in a colour, on a terminal whose owner has nothing against it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"
