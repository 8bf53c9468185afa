"""Values become the text that programs see, as Woodpecker's plugins expect it."""

import pytest

from pipelines.details import SecretReference, Value, references, resolved
from pipelines.nodes import Map
from pipelines.reading.document import read_document
from pipelines.report import Report
from pipelines.syntax.values import as_value

S, JSON = SecretReference("s"), SecretReference("s", as_json=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", "1.10"),
        ("True", "true"),
        ("yes", "yes"),
        ("'True'", "True"),
        ("012", "012"),
        ("[a, 1.10, ~, True]", "a,1.10,,true"),
        ("[a, ~]", "a,"),
        ("[]", ""),
        ("{}", "{}"),
        ("{b: 1, a: x}", '{"a":"x","b":1}'),
        ("{a: 1.10, b: 2.0, c: '3', d: ~, e: False}", '{"a":1.1,"b":2,"c":"3","d":null,"e":false}'),
        ("{a: 012, b: 1e3}", '{"a":"012","b":1000}'),
        ("[a, {b: c}]", '["a",{"b":"c"}]'),
        ("[a, [b]]", '["a",["b"]]'),
        ('{k: "é\\"\\n"}', '{"k":"é\\"\\n"}'),
        ("{from_secret: s}", S),
        ("[{from_secret: s}]", S),
        ("[a, {from_secret: s}, b]", ("a,", S, ",b")),
        ("[{from_secret: s}, {from_secret: s}]", (S, ",", S)),
        ("{k: {from_secret: s}}", ('{"k":', JSON, "}")),
        ("[a, {k: [{from_secret: s}]}]", ('["a",{"k":[', JSON, "]}]")),
    ],
)
def test_value_becomes_text_with_secrets_in_their_places(text: str, value: Value) -> None:
    root = read_document(f"v: {text}".encode(), Report("a.yaml"))
    assert isinstance(root, Map)
    assert as_value(root.entries[0].value) == value


def test_secrets_are_put_in_as_they_are_or_as_json() -> None:
    value: Value = ("a,", SecretReference("Token"), ",", SecretReference("token", as_json=True))
    assert resolved(value, {"token": '1"\n'}) == 'a,1"\n,"1\\"\\n"'
    assert resolved(SecretReference("TOKEN"), {"token": "x"}) == "x"
    assert resolved("plain", {}) == "plain"


def test_secrets_of_a_value_are_known() -> None:
    assert references(("a", S, "b", JSON)) == (S, JSON)
    assert (references(S), references("s")) == ((S,), ())
