"""BuildLog: what a builder's messages amount to: lines for the log, images it made on its way, and its failure."""

import re
from collections.abc import Mapping
from typing import Any

from runner.engine.pull import Say

_LONGEST_LINE = 64 * 1024
_MADE = re.compile(r" ---> ([0-9a-f]{12,64})")
_EXIT_CODE = re.compile(r"returned a non-zero code: (\d+)")


class BuildLog:
    """Takes messages in order, and tells whole lines. `error` is the builder's words if it failed.

    `stages` are the images that each stage ended with, `last` the one that was made last of all, by what the builder
    printed: a build may print the like of it.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._held = ""
        self.stages: list[str] = []
        self.last = ""
        self.error = ""
        self.exit_code: int | None = None

    def take(self, message: Mapping[str, Any]) -> None:
        """Note a message."""
        if text := message.get("stream"):
            self._print(str(text))
        elif isinstance(aux := message.get("aux"), dict) and aux.get("ID"):
            self.stages.append(str(aux["ID"]))
        elif error := message.get("error"):
            self._fail(str(error), message.get("errorDetail") or {})
        elif (status := message.get("status")) and not message.get("progressDetail"):
            self._print(f"{status}\n")

    def finish(self) -> None:
        """Tell what is left of a line without an end."""
        if self._held:
            self._print("\n")

    def _print(self, text: str) -> None:
        *lines, self._held = (self._held + text).split("\n")
        for line in lines:
            if made := _MADE.fullmatch(line):
                self.last = made[1]
            self._say(line)
        if len(self._held) > _LONGEST_LINE:
            self._say(self._held)
            self._held = ""

    def _fail(self, error: str, detail: Mapping[str, Any]) -> None:
        self.error = " ".join(error.split())
        code = detail.get("code")
        found = _EXIT_CODE.search(self.error)
        self.exit_code = code if isinstance(code, int) and code > 0 else int(found[1]) if found else None
