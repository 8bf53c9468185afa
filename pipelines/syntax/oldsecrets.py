"""The old form of secrets: a list of names beside the commands, each of which becomes variables."""

from pipelines.details import SecretReference, Value
from pipelines.nodes import Scalar
from pipelines.places import Place
from pipelines.syntax.forms import Form


def _secret_variables(place: Place) -> dict[str, Value]:
    """The old form: names of secrets, each a variable in upper case and one as written."""
    values: dict[str, Value] = {}
    for item in place.items():
        source, target = _source_and_target(item)
        if source and target:
            values |= {target: SecretReference(source), target.upper(): SecretReference(source)}
        else:
            hint = "write `environment: {NAME: {from_secret: name}}`"
            item.expected("the name of a secret or {source, target}", hint=hint)
    return values


def _source_and_target(place: Place) -> tuple[str, str]:
    if isinstance(place.node, Scalar):
        return place.node.text, place.node.text
    names = {entry.name: entry.value.node for entry in place.entries()}
    source = names.get("source") or names.get("from_secret")
    target = names.get("target") or source
    if isinstance(source, Scalar) and isinstance(target, Scalar):
        return source.text, target.text
    return "", ""


OLD_SECRETS: Form[dict[str, Value]] = Form("a list of secrets", _secret_variables, {"type": "array"})
