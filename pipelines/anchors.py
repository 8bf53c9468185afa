"""Anchors that nothing uses: `&name` in a YAML text that no `*name` names before the next `&name`."""

from collections.abc import Iterator
from typing import cast

import yaml

from pipelines.nodes import Position

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def unused_anchors(text: bytes) -> tuple[tuple[str, Position], ...]:
    """The names and places of these anchors, in file order. The text must be YAML that has been read without errors."""
    if b"&" not in text:
        return ()
    found: list[tuple[str, Position]] = []
    waiting: dict[str, Position] = {}
    for name, position in _anchors(text.decode("utf-8-sig")):
        if position is None:
            waiting.pop(name, None)
        else:
            if name in waiting:
                found.append((name, waiting[name]))
            waiting[name] = position
    return tuple(sorted([*found, *waiting.items()], key=lambda anchor: anchor[1]))


def _anchors(text: str) -> Iterator[tuple[str, Position | None]]:
    """Each anchor of the first document with its place, and each alias with None."""
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.DocumentEndEvent):
            return
        if isinstance(event, yaml.AliasEvent):
            yield cast("str", event.anchor), None
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None and (mark := event.start_mark):
            yield event.anchor, Position(mark.line + 1, mark.column + 1)
