"""Reads YAML text into a node tree with line and column. Whatever the bytes are, the answer is nodes or problems."""

import re
from collections.abc import Iterator

import yaml

from pipelines.nodes import START, Node, Position, Scalar
from pipelines.reading.builder import Builder, UnreadableError
from pipelines.report import Report

MAX_BYTES = 1024 * 1024

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_KNOWN_AT_THE_START = frozenset({"could not find expected ':'"})
"""What the parser only finds lines after the line that is wrong, which it names as its context."""

_HINTS = {"could not find expected ':'": "indent a line that goes on with the one above deeper than its key"}


def read_document(text: bytes, report: Report, *, file: str = "") -> Node | None:
    """The node tree of a file's bytes; None if nothing can be made of them. Never raises: the report says why.

    `file` is named in positions, `""` for the report's own.
    """
    try:
        root = Builder(report, file).build(_events(_decoded(text)))
    except UnreadableError as error:
        report.add(error.position._replace(file=file), "", error.message, hint=error.hint)
        return None
    if root is None or (isinstance(root, Scalar) and root.is_null):
        message = "the file holds only comments" if b"#" in text else "the file is empty"
        report.add(START._replace(file=file), "", message, hint="a workflow needs `steps`")
        return None
    return root


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UnreadableError(START, f"the file has more than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _position(data[: error.start].decode("utf-8", "replace"))
        raise UnreadableError(place, "the text is not UTF-8", "save the file as UTF-8") from error
    if found := _FORBIDDEN.search(text):
        character = f"U+{ord(found[0]):04X}"
        raise UnreadableError(_position(text[: found.start()]), f"character {character} is not allowed in YAML")
    return text


def _position(before: str) -> Position:
    """The place that follows this text."""
    return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        loader = _Loader(text)
        yield from iter(loader.get_event, None)  # `yaml.parse` asks twice for each
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark if error.problem in _KNOWN_AT_THE_START else error.problem_mark
        mark = mark or error.problem_mark or error.context_mark
        place = _within(text, Position(mark.line + 1, mark.column + 1)) if mark else START
        what = ", ".join(part for part in (error.problem, error.context) if part)
        hint = _HINTS.get(error.problem or "") or _yaml_hint(text, place)
        raise UnreadableError(place, f"not valid YAML: {what}", hint) from error
    except yaml.YAMLError as error:
        what = " ".join(str(error).split())
        raise UnreadableError(START, f"not valid YAML: {what}") from error


def _within(text: str, place: Position) -> Position:
    """The place, or the end of the text if it lies behind that, as libyaml's may."""
    return min(place, _position(text.rstrip("\n")))


def _yaml_hint(text: str, place: Position) -> str:
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if line[: place.column].lstrip(" ").startswith("\t"):
        return "indent with spaces, not tabs"
    if re.search(r"[\[{,]\s*([\w.-]+:\s*)?\$\{", line):
        return "put quotes around `${…}`"
    if re.match(r"\s*(- )?\s*[\w.-]+:\s+.*: ", line):
        return "put quotes around a value that holds `: `"
    if re.match(r"\s*- [^'\"#].*: ", line):
        return "put quotes around a whole command that holds `: `"
    if re.search(r"[:,\[-] *\*[\w-]+[^\s,\]}\w-]", line):
        return "`*name` stands for a whole value, never for a part of one"
    return ""
