"""A secret is found in every form in which programs print it; the forms are made here by those programs' rules."""

import base64
import binascii
import json
import re
import shlex
import subprocess
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.results.mask import HIDDEN, Mask, MaskedStream
from runner.results.secretforms import forms_of

SECRET = "p&ss/w\"o'rd$é 1<2\\x"
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")).filter(
    lambda text: len(text.strip()) >= 4
)


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"{SECRET}\n".encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        re.sub(r"%[0-9A-F]{2}", lambda digits: digits[0].lower(), urllib.parse.quote(SECRET, safe="")),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET).replace("/", "\\/")[1:-1],
        json.dumps(SECRET).replace("&", "\\u0026").replace("<", "\\u003c")[1:-1],
        shlex.quote(SECRET)[1:-1],
        SECRET.replace("'", "'\\''"),
        "p&ss/w\\\"o'rd\\$é 1<2\\\\x",
    ],
)
def test_secret_is_hidden_however_it_was_encoded(shown: str) -> None:
    assert Mask([SECRET]).hide(f"<{shown}>") == f"<{HIDDEN}>"


@pytest.mark.parametrize("format_", ["%q", "'%s'"])
def test_what_bash_quotes_is_hidden(format_: str) -> None:
    secret = "a b&c$d'e\"f;(g)"
    done = subprocess.run(["bash", "-c", f'printf "{format_}" "$1"', "bash", secret], capture_output=True, check=True)
    assert Mask([secret]).hide(done.stdout.decode()).strip("'") == HIDDEN


@given(
    value=VALUES, before=st.binary(max_size=4), after=st.binary(max_size=4), alphabet=st.sampled_from([b"+/", b"-_"])
)
def test_at_most_one_digit_of_base64_shows_on_either_side(
    value: str, before: bytes, after: bytes, alphabet: bytes
) -> None:
    """That digit also holds bits of the neighbour, so it differs with it."""
    data = value.encode()
    encoded = base64.b64encode(before + data + after, alphabet)
    shown = Mask([value]).substitute(encoded)
    assert HIDDEN.encode() in shown
    first, last = len(before) * 8 // 6, -(-(len(before) + len(data)) * 8 // 6)
    start = shown.index(HIDDEN.encode())
    assert start <= first + 1
    assert len(shown) - start - len(HIDDEN) <= len(encoded) - last + 1


@given(value=VALUES, data=st.data())
def test_any_form_is_hidden_wherever_the_stream_is_split(value: str, data: st.DataObject) -> None:
    mask = Mask([value])
    form = data.draw(st.sampled_from(sorted(forms_of(value))))
    whole = b"before " + form + b" after\n"
    first = data.draw(st.integers(0, len(whole)))
    second = data.draw(st.integers(first, len(whole)))
    stream = MaskedStream(mask)
    shown = b"".join(map(stream.feed, (whole[:first], whole[first:second], whole[second:]))) + stream.finish()
    assert shown == mask.substitute(whole)
    assert form not in shown


def test_long_secret_is_hidden_in_base64_and_hex_of_many_lines() -> None:
    """As `base64`, `openssl base64` and `xxd -p` print them."""
    secret = "-".join(f"part{number:03}" for number in range(40))
    mask = Mask([secret])
    for width in (76, 64):
        text = base64.b64encode(secret.encode()).decode()
        lines = [text[start : start + width] for start in range(0, len(text), width)]
        assert mask.hide("\n".join(lines)) == "\n".join([HIDDEN] * len(lines))
    text = binascii.hexlify(secret.encode()).decode()
    lines = [text[start : start + 60] for start in range(0, len(text), 60)]
    assert mask.hide("\n".join(lines)) == "\n".join([HIDDEN] * len(lines))


def test_secret_of_many_lines_is_hidden_whole_inside_json() -> None:
    key = "-----BEGIN KEY-----\nabcdef\nghijkl\n-----END KEY-----\n"
    assert Mask([key]).hide(json.dumps({"key": key})) == f'{{"key": "{HIDDEN}"}}'


@pytest.mark.parametrize("value", ["", "abc", "a\nbc\ndef", "  x  "])
def test_short_values_and_lines_have_no_forms_but_the_whole(value: str) -> None:
    """A value of three characters would hide half of every log, in any form."""
    assert all(len(form) >= 4 for form in forms_of(value))
    assert Mask([value]).hide("abc def x bc a") == "abc def x bc a"
