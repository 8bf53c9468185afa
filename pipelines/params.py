"""The values of a run's parameters: what somebody gave by hand, checked against what the file asks for."""

from collections.abc import Iterator, Mapping, Sequence

from pipelines.details import Parameter
from pipelines.event import Event, EventKind
from pipelines.model import Workflow
from pipelines.nodes import Map, Node
from pipelines.places import Place
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.suggestions import nearest
from pipelines.syntax.params import PARAMS, complaint
from pipelines.variables import is_reserved


def parameter_variables(root: Node, event: Event, report: Report) -> dict[str, str]:
    """The variables that a file's `params` and the event's make: `CI_PARAM_<NAME>`, and the plain name if it is free.

    Reports values of the wrong type, and required ones that a manual run lacks.
    """
    place = _place(root, report)
    values = dict(event.params)
    for name, parameter in _declared(place).items() if place else ():
        _check(name, parameter, event, place)
        if name not in values and parameter.default is not None:
            values[name] = parameter.default
    return _named(values)


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


def _check(name: str, parameter: Parameter, event: Event, place: Place | None) -> None:
    if place is None:
        return
    value = event.params.get(name)
    if value is not None and (what := complaint(parameter, value)):
        place.problem(f"the parameter `{name}` {what}, not {value[:40]!r}", hint=f"give it by `--param {name}=…`")
    elif value is None and parameter.required and parameter.default is None and event.kind is EventKind.MANUAL:
        place.problem(f"the parameter `{name}` must be given", hint=f"give it by `--param {name}=…`")
