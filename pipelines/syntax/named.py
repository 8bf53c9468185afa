"""Steps and services, written as a list or as a map from names; two of one name are a problem."""

from collections.abc import Iterable
from dataclasses import replace

from pipelines.allowance import MAX_STEPS
from pipelines.files import is_lenient
from pipelines.model import Step
from pipelines.nodes import List, Map, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.syntax.forms import Form


def named_steps(step: Form[Step], *, default_name: str) -> Form[tuple[Step, ...]]:
    """Steps as a list, or as a map from names.

    In a list, `default_name` names those without a name, with `{index}` for their place; if it is `""` each
    must have its own.
    """
    expects = "a list, or a map from names"

    def read(place: Place) -> tuple[Step, ...]:
        if _are_too_many(place):
            return ()
        if isinstance(place.node, Map):
            named = [(entry.name, step.read(entry.value)) for entry in place.entries()]
        elif isinstance(place.node, List):
            named = [(default_name.format(index=i), step.read(item)) for i, item in enumerate(place.items())]
        else:
            place.expected(expects)
            return ()
        steps = [each if each.name else replace(each, name=name) for name, each in named if each is not None]
        for each in steps:
            if not each.name:
                what = "an empty name" if isinstance(place.node, Map) else "no `name`, which a service needs"
                place.report.add(each.position, each.path, f"`{each.path}` has {what}")
        return tuple(_with_names_of_their_own(steps, place) if default_name else steps)

    schema = {
        "anyOf": [
            {"type": "object", "additionalProperties": step.schema, "minProperties": 1},
            {"type": "array", "items": step.schema, "minItems": 1},
        ]
    }
    return Form(expects, read, schema)


def _are_too_many(place: Place) -> bool:
    count = len(place.node.entries) if isinstance(place.node, Map) else sum(1 for _ in place.items())
    if count > MAX_STEPS:
        place.problem(f"{place.name} has {count:,} entries; it may have {MAX_STEPS}", hint="make several workflows")
    return count > MAX_STEPS


def _with_names_of_their_own(steps: list[Step], place: Place) -> Iterable[Step]:
    """The steps; in a Woodpecker file without a graph, which minds no second `build`, that one becomes `build-2`."""
    may_repeat = is_lenient(place.report.file) and all(step.depends_on is None for step in steps)
    return _Naming(steps, place.report).renamed() if may_repeat else steps


class _Naming:
    """Gives steps whose name is taken another one."""

    def __init__(self, steps: list[Step], report: Report) -> None:
        self._steps = steps
        self._report = report
        self._first = {step.name: step for step in reversed(steps)}
        self._numbers = dict.fromkeys(self._first, 1)

    def renamed(self) -> Iterable[Step]:
        return [step if self._first[step.name] is step else self._again(step) for step in self._steps]

    def _again(self, step: Step) -> Step:
        first, name = self._first[step.name], self._free_name(step.name)
        message = f"the name {quoted(step.name)} is taken, so this step is called {quoted(name)}"
        hint = f"`{first.path}` on line {first.position.line} has it"
        self._report.add(step.position, step.path, message, hint=hint, level=Level.WARNING)
        return replace(step, name=name)

    def _free_name(self, name: str) -> str:
        while True:
            self._numbers[name] += 1
            candidate = f"{name}-{self._numbers[name]}"
            if candidate not in self._first:
                return candidate
