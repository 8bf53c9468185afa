"""Cursor: how far a reader of a run's history has come, as the id of an event says it."""

import re
from dataclasses import dataclass, field
from typing import Self

_TEXT = re.compile(r"(\d{1,9})((?:-\d{1,18}:\d{1,18})*)", re.ASCII)


@dataclass(slots=True)
class Cursor:
    """The last Record's `seq`, and the next line of each log under way, by the step's id.

    As text `SEQ`, then `-STEP:LINE` for each log: `17`, or `17-3:120-5:7`.
    """

    seq: int = 0
    next_lines: dict[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that this is the text of; the beginning for anything else."""
        match = _TEXT.fullmatch(text)
        if not match:
            return cls()
        places = [place.split(":") for place in match[2].split("-")[1:]]
        return cls(seq=int(match[1]), next_lines={int(step): int(line) for step, line in places})

    def __str__(self) -> str:
        return f"{self.seq}" + "".join(f"-{step}:{line}" for step, line in self.next_lines.items())
