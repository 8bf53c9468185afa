"""Hostile files: shapes that were written to be slow, each as long as one likes."""

from collections.abc import Callable, Mapping
from itertools import pairwise

from pipelines.event import Event

Shape = Callable[[int], str]
"""A file of this shape, with so many of what it has many of."""

STEP = "steps: {a: {image: x}}\n"
IN_STEP = "steps:\n  a:\n    image: x\n"
EVENT = Event(
    branch="main",
    ref="refs/heads/main",
    message="a" * 20_000,
    changed_files=tuple(f"{'a' * 100}/{number}/{'b' * 100}.py" for number in range(300)),
)
"""A push that makes work, too."""


def _lines(pattern: str, count: int) -> str:
    return "".join(pattern.replace("#", str(number)) + "\n" for number in range(count))


def _joined(pattern: str, count: int) -> str:
    return ", ".join(pattern.replace("#", str(number)) for number in range(count))


def _in_section(section: str, pattern: str) -> Shape:
    return lambda count: f"{section}:\n{_lines(pattern, count)}"


def _in_step(key: str, pattern: str) -> Shape:
    return lambda count: f"{IN_STEP}    {key}:\n{_lines('      ' + pattern, count)}"


def _repeated(text: str, *, after: str = "") -> Shape:
    return lambda count: text * count + after


def _laughs(levels: int) -> str:
    rows = (f"a{new}: &a{new} [{', '.join([f'*a{old}'] * 9)}]\n" for old, new in pairwise(range(levels + 1)))
    return "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(rows)


def _merged_wide(count: int) -> str:
    return f"variables:\n- &a {{{_joined('k#: 1', count)}}}\n" + _lines("- {<<: *a}", count) + STEP


def _merged_deep(count: int) -> str:
    rows = (f"- &m{new} {{<<: *m{old}, k{new}: 1}}\n" for old, new in pairwise(range(count + 1)))
    return "variables:\n- &m0 {k0: 1}\n" + "".join(rows) + STEP


def _extended_wide(count: int) -> str:
    return f"steps:\n  .b: {{image: x, environment: {{{_joined('K#: v', 9)}}}}}\n" + _lines(
        "  s#: {extends: .b}", count
    )


def _extended_deep(count: int) -> str:
    rows = (f"  s{new}: {{extends: s{old}, environment: {{K{new}: v}}}}\n" for old, new in pairwise(range(count + 1)))
    return "steps:\n  s0: {image: x}\n" + "".join(rows)


def _one_waits_for_all(count: int) -> str:
    return "steps:\n" + _lines("  s#: {image: x}", 400) + f"  z: {{image: x, depends_on: [{_joined('s#', count)}]}}\n"


def _all_wait_for_some(count: int) -> str:
    return "steps:\n" + _lines(f"  s#: {{image: x, depends_on: [{_joined('s#x', 15)}]}}", count)


def _a_circle(count: int) -> str:
    rows = (f"  s{new}: {{image: x, depends_on: s{old}}}\n" for old, new in pairwise(range(count)))
    return f"steps:\n  s0: {{image: x, depends_on: s{count - 1}}}\n" + "".join(rows)


def _excluded_cells(count: int) -> str:
    values = f"[{_joined('#', 25)}]"
    return (
        f"matrix:\n  A: {values}\n  B: {values}\n  C: {values}\n  exclude:\n{_lines('  - {A: x#, B: 0}', count)}{STEP}"
    )


def _cells(count: int) -> str:
    cells = f"matrix: {{A: [{_joined('#', count)}]}}\n"
    return cells + "steps:\n" + _lines("  - {image: 'x${A}', name: s#, commands: ['echo ${A}']}", 23)


def _cells_of_variables(count: int) -> str:
    variables = f"environment: {{{_joined('K#: v', count)}}}\n"
    return f"matrix: {{A: [{_joined('#', 50)}]}}\n{variables}steps:\n" + _lines("  s#: {image: 'x${A}'}", 20)


def _cells_with(key: str) -> Shape:
    cells = f"matrix: {{A: [{_joined('#', 50)}]}}\nsteps:\n"
    return lambda count: cells + _lines(f"  s#: {{image: x, {key}}}", count)


def _included_and_excluded(count: int) -> str:
    return f"when: {{branch: {{include: [{_joined('a#', count)}], exclude: [{_joined('a#?', count)}]}}}}\n{STEP}"


def _nested(count: int) -> str:
    return f"{IN_STEP}    settings:\n" + _lines("      k#: {a: {b: [{c: d}, {from_secret: e}]}}", count)


def _evaluated(expression: str) -> Shape:
    return lambda count: f"when:\n{_lines(f'- evaluate: {chr(39)}{expression}{chr(39)}', count)}{STEP}"


def _one_expression(pattern: str, between: str) -> Shape:
    return lambda count: f"when: {{evaluate: '{between.join([pattern] * count)}'}}\n{STEP}"


def _globs(glob: str) -> Shape:
    return lambda count: f"when:\n  path:\n{_lines(f'  - {chr(34)}{glob}{chr(34)}', count)}{STEP}"


SHAPES: Mapping[str, Shape] = {
    "laughs": _laughs,
    "brackets": _repeated("["),
    "braces": _repeated("{a: "),
    "dashes": _repeated("- "),
    "quotes": _repeated('"'),
    "a list": lambda count: f"[{'a,' * count}]",
    "keys without values": _lines.__get__("a#:"),
    "one key": _repeated("a:\n"),
    "comments": _repeated("#\n", after=STEP),
    "a long text": lambda count: f"variables: '{'abc ' * count}'\n{STEP}",
    "anchors": lambda count: f"variables:\n{_lines('- &a# x', count)}{STEP}",
    "aliases": lambda count: f"variables:\n- &a x\n{_lines('- *a', count)}{STEP}",
    "aliases of nothing": lambda count: f"variables:\n{_lines('- *a#', count)}{STEP}",
    "wide merges": _merged_wide,
    "deep merges": _merged_deep,
    "unknown keys": lambda count: STEP + _lines("k#: v", count),
    "unknown keys of a step": lambda count: IN_STEP + _lines("    enviromnent#: v", count),
    "steps": _in_section("steps", "  - {image: x, name: s#}"),
    "steps of one name": _in_section("steps", "  - {image: x, name: same}"),
    "steps without images": _in_section("steps", "  - {name: s#}"),
    "steps in groups": _in_section("steps", "  - {image: x, name: s#, group: g}"),
    "steps with conditions": _in_section("steps", "  - {image: x, name: s#, when: [{event: push, branch: a*}]}"),
    "services": lambda count: f"services:\n{_lines('  - {image: x, name: s#, ports: [1]}', count)}{STEP}",
    "variables": _in_step("environment", "K#: v"),
    "variables of all": lambda count: f"environment:\n{_lines('  K#: v', count)}{STEP}",
    "commands": _in_step("commands", "- echo #"),
    "maps for commands": _in_step("commands", "- echo: #"),
    "settings": _nested,
    "volumes": _in_step("volumes", "- /a#:/b"),
    "old names": _in_step("commands", "- $CI_BRANCH"),
    "old secrets": _in_step("secrets", "- s#"),
    "wide bases": _extended_wide,
    "deep bases": _extended_deep,
    "includes": lambda count: f"include: [{_joined('f#', count)}]\n{STEP}",
    "conditions": lambda count: f"when:\n{_lines('- {event: push}', count)}{STEP}",
    "kinds of event": lambda count: f"when: {{event: [{_joined('pusch#', count)}]}}\n{STEP}",
    "branches in and out": _included_and_excluded,
    "expressions": _evaluated('CI == "a#"'),
    "a long expression": _one_expression('CI == "a"', " && "),
    "a deep expression": lambda count: f"when: {{evaluate: '{'(' * count}CI{')' * count}'}}\n{STEP}",
    "unknown functions": _evaluated("lem(CI_#)"),
    "patterns": _evaluated('CI_COMMIT_MESSAGE matches "(a?){900}#b"'),
    "loops": _evaluated('any(split(CI_COMMIT_MESSAGE, ""), {any(split(CI_COMMIT_MESSAGE, ""), {# == "b#"})})'),
    "globs": _globs("a#/**/b"),
    "globs of one star": _globs("a*b#"),
    "globs of classes": _globs("?a[ab]a?a[ab]a?a[ab]a?a[ab]a?a[ab]a*#"),
    "globs of many stars": _globs("*a*a*a*a*a*a*a*a*a*a*a*a*#/**/x"),
    "globs of many depths": _globs("**/a*/**/b*/**/a?/**/#"),
    "globs of choices": _globs("{a,b}{c,d}{e,f}{g,h}{i,j}#"),
    "names in names": lambda count: f"steps: {{a: {{image: '{'${A:-' * count}{'}' * count}'}}}}\n",
    "unknown names": _in_step("environment", "K#: '${CI_COMIT_BRANCH#}'"),
    "texts that grow": _in_step("environment", "K#: '${CI_COMMIT_MESSAGE//a/${CI_COMMIT_REF}}'"),
    "texts that shrink": _in_step("environment", "K#: '${CI_COMMIT_MESSAGE##*a*a*a*a*a*b}'"),
    "axes": lambda count: f"matrix:\n{_lines('  A#: [1, 2]', count)}{STEP}",
    "cells": _cells,
    "cells of many variables": _cells_of_variables,
    "cells of expressions": _cells_with("when: {evaluate: 'CI == \"${A}#\"'}"),
    "cells of wrong expressions": _cells_with("when: {evaluate: 'CI ==='}"),
    "cells of paths": _cells_with("when: {path: ['*a*${A}#*/**', '**/?${A}#']}"),
    "cells in conditions": _cells_with("when: {matrix: {A: 'x#'}}"),
    "included cells": lambda count: f"matrix:\n  include:\n{_lines('  - {A: #, B: x}', count)}{STEP}",
    "excluded cells": _excluded_cells,
    "dependencies": _one_waits_for_all,
    "dependencies on nothing": _all_wait_for_some,
    "a circle": _a_circle,
    "params": lambda count: f"params:\n{_lines('  P#: {type: choice, options: [a, b]}', count)}{STEP}",
    "artifacts": _in_step("artifacts", "- a#/**"),
    "outputs": _in_step("outputs", "- O#"),
}
