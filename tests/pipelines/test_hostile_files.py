"""A file that was written to be slow is answered at once.

The bound is a second of this process's own time, so that a busy machine fails no test; what it must never be is a
minute. `bench/language.py` measures the milliseconds.
"""

import time
from itertools import pairwise

import pytest

from pipelines.event import Event
from pipelines.planner import make_plan
from pipelines.validate import read_workflow


def lines(pattern: str, count: int) -> str:
    return "".join(pattern.replace("#", str(number)) + "\n" for number in range(count))


def laughs(levels: int) -> str:
    names = "abcdefghijklmnopqrstuvwxyz"[: levels + 1]
    rows = (f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise(names))
    return "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(rows) + "\n"


STEP = "steps: {a: {image: x}}\n"
FILES = {
    "laughs": laughs(20),
    "brackets": "[" * 200_000,
    "braces": "{a: " * 50_000,
    "quotes": '"' * 300_000,
    "a long list": "[" + "a," * 400_000 + "]",
    "keys without values": "a:\n" * 200_000,
    "comments": "#\n" * 500_000 + STEP,
    "nulls": "\0" * 100_000,
    "unknown keys": STEP + lines("k#: v", 9_000),
    "unknown keys of a step": "steps:\n  a:\n    image: x\n" + lines("    k#: v", 9_000),
    "steps": "steps:\n" + lines("  - {image: x, name: s#}", 2_500),
    "one name": "steps:\n" + lines("  - {image: x, name: same}", 2_500),
    "variables": "steps:\n  a:\n    image: x\n    environment:\n" + lines("      K#: v", 9_000),
    "commands": "steps:\n  a:\n    image: x\n    commands:\n" + lines("      - echo #", 19_000),
    "old names": "steps:\n  a:\n    image: x\n    commands:\n" + lines("      - $CI_BRANCH", 19_000),
    "merges": "a: &a {" + ", ".join(f"k{n}: 1" for n in range(2_000)) + "}\n" + lines("b#: {<<: *a}", 2_000),
    "bases": "steps:\n  .b: {image: x, environment: {"
    + ", ".join(f"K{n}: v" for n in range(4_000))
    + "}}\n"
    + lines("  s#: {extends: .b}", 2_000),
    "conditions": "when:\n" + "- {event: push}\n" * 5_000 + STEP,
    "expressions": "when:\n" + "- {evaluate: 'CI == \"a\"'}\n" * 4_000 + STEP,
    "parentheses": f"when: {{evaluate: '{'(' * 20_000}'}}\n{STEP}",
    "names in names": f"steps: {{a: {{image: '{'${' * 50_000}'}}}}\n",
    "axes": "matrix:\n" + lines("  A#: [1, 2, 3, 4, 5, 6, 7, 8]", 1_000) + STEP,
    "cells of many steps": f"matrix: {{A: [{', '.join(map(str, range(256)))}]}}\nsteps:\n"
    + lines("  - {image: 'x${A}', name: s#}", 490),
    "includes": f"include: [{', '.join(f'f{n}' for n in range(9_000))}]\n{STEP}",
    "a circle of steps": "steps:\n" + lines("  s#: {image: x, depends_on: [s0, s1, s2, s3]}", 1_500),
}


@pytest.mark.parametrize("file", [".headrace/a.yaml", ".woodpecker/a.yaml"])
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_hostile_file_is_answered_at_once(text: str, file: str) -> None:
    began = time.process_time()
    reading = read_workflow(text.encode(), file)
    plan = make_plan({file: text.encode()}, Event())
    assert time.process_time() - began < 2
    assert reading.workflow or reading.problems
    assert plan.jobs or plan.problems
