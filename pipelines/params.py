"""The values of a run's parameters: what somebody gave by hand, checked against what the workflows that run ask for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipelines.details import Parameter
from pipelines.event import Event, EventKind
from pipelines.model import Workflow
from pipelines.nodes import Map, Node
from pipelines.places import Place
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.suggestions import nearest
from pipelines.syntax.params import PARAMS
from pipelines.variables import is_reserved


def parameter_variables(root: Node, event: Event, report: Report) -> dict[str, str]:
    """The variables that a file's `params` and the event's make: `CI_PARAM_<NAME>`, and the plain name if free."""
    place = _place(root, report)
    declared = _declared(place) if place else {}
    defaults = {name: each.default for name, each in declared.items() if each.default is not None}
    return _named({**defaults, **event.params})


def misfits(running: Iterable[Workflow], event: Event) -> Iterator[Problem]:
    """The values that are of another type than a workflow that runs asks for, and those that a manual run lacks."""
    for workflow in {each.file: each for each in running}.values():
        report = Report(workflow.file)
        for name, parameter in workflow.params.items():
            if wrong := _wrong(name, parameter, event):
                position = workflow.place_of("params")
                report.add(position, "params", wrong, hint=f"give it by `--param {name}=…`")
        yield from report.problems


def undeclared(workflows: Sequence[Workflow], event: Event) -> Iterator[Problem]:
    """A warning for each value that was given under a name which no workflow asks for: a slip would pass unseen.

    It is a variable all the same; where no workflow has `params`, that is all that there is to it.
    """
    asking = [workflow for workflow in workflows if workflow.params]
    known = list(dict.fromkeys(name for workflow in asking for name in workflow.params))
    for name in event.params if asking else ():
        if name not in known:
            report = Report(asking[0].file)
            hint = nearest(name, known) or f"they ask for {', '.join(known)}"
            message = f"no workflow asks for `{name[:40]}`, which was given: it is a variable, and nothing checks it"
            report.add(asking[0].place_of("params"), "params", message, hint=hint, level=Level.WARNING)
            yield from report.problems


def _declared(place: Place) -> Mapping[str, Parameter]:
    """What the file asks for. What is wrong with that is reported when its keys are read."""
    return PARAMS.read(Place(place.node, place.path, Report(place.report.file))) or {}


def _named(values: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in values.items() if not is_reserved(name)}
    return plain | {f"CI_PARAM_{name.upper()}": value for name, value in values.items()}


def _place(root: Node, report: Report) -> Place | None:
    node = root.get("params") if isinstance(root, Map) else None
    place = Place(node, "params", report) if node is not None else None
    return place if place and not place.is_null else None


def _wrong(name: str, parameter: Parameter, event: Event) -> str:
    value = event.params.get(name)
    if value is not None:
        what = parameter.complaint(value)
        return f"the parameter `{name}` {what}, not {value[:40]!r}" if what else ""
    is_missing = parameter.required and parameter.default is None and event.kind is EventKind.MANUAL
    return f"the parameter `{name}` must be given" if is_missing else ""
