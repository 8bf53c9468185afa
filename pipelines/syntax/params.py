"""The keys of `params`: the inputs of manual runs."""

from pipelines.details import Parameter
from pipelines.nodes import List
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.syntax.forms import FLAG, TEXT, Form, choice, map_of, one_or_many
from pipelines.syntax.keys import H, Key, Keys, plain_record
from pipelines.syntax.shapes import VARIABLE_NAME

_PARAMETER_KEYS = Keys(
    owner="a parameter",
    known=(
        Key(
            name="type",
            form=choice("string", "bool", "choice", "number"),
            meaning="What it holds.",
            default="string",
            origin=H,
        ),
        Key(name="default", form=TEXT, meaning="Its value if nobody gives one.", origin=H),
        Key(name="options", form=one_or_many(TEXT), meaning="What a choice chooses from.", origin=H),
        Key(name="required", form=FLAG, meaning="True if somebody must give it.", default="false", origin=H),
        Key(name="description", form=TEXT, meaning="What it is for.", origin=H),
    ),
)
_PARAMETER = plain_record(_PARAMETER_KEYS, Parameter)


def _parameter(place: Place) -> Parameter | None:
    parameter = _PARAMETER.read(place)
    if parameter is None:
        return None
    if parameter.type == "choice" and not parameter.options:
        place.problem(f"{place.name} is a choice without `options`")
    elif parameter.default is not None and (what := parameter.complaint(parameter.default)):
        place.problem(f"the default of {place.name} {what}")
    elif "${" in (parameter.default or ""):
        message = f"the default of {place.name} is taken as it is: `${{…}}` isn't filled in here"
        place.problem(message, level=Level.WARNING)
    return parameter


_NAMED = map_of(Form(_PARAMETER.expects, _parameter, _PARAMETER.schema))


def _params(place: Place) -> dict[str, Parameter] | None:
    if isinstance(place.node, List):
        place.expected(_NAMED.expects, hint="write `NAME: {type: string}` for each")
        return None
    for entry in place.entries():
        VARIABLE_NAME.read(entry.key)
    return _NAMED.read(place)


PARAMS: Form[dict[str, Parameter]] = Form(_NAMED.expects, _params, _NAMED.schema)
