"""The forms in which a secret may show in a log: as it is, line by line, and as programs encode and quote it. Pure."""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4  # characters: shorter values would hide half of every log

_BASE64_LINES = (76, 64)  # characters: what `base64` and `openssl base64` print a line
_HEX_LINE = 60  # characters: `xxd -p`
_UNQUOTED_IN_JAVASCRIPT = "!*'()"  # by encodeURIComponent
_QUOTED_BY_BASH = re.compile(r"([ \t|&;()<>!{}*\[?\]^$`'\"\\,~#])")
_QUOTED_IN_DOUBLE_QUOTES = re.compile(r"([\\\"$`])")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_ANSI_C = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_HTML_IN_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def forms_of(value: str) -> set[bytes]:
    """All byte strings to look for so as to find this value, or any line of it; none is shorter than four bytes.

    Lines and values of three characters or fewer have no forms.
    """
    texts = {value, value.strip(), *value.splitlines(), *value.split("\n")}
    texts |= {text.strip() for text in texts}
    long_enough = [text for text in texts if len(text) >= SHORTEST]
    return {form for text in long_enough for form in _forms(text) if len(form) >= SHORTEST}


def _forms(text: str) -> Iterator[bytes]:
    data = _bytes(text)
    yield data
    yield from _in_base64(data)
    yield from _in_hex(data)
    for quoted in (*_in_urls(text), *_in_json(text), *_in_shells(text)):
        yield _bytes(quoted)


def _in_base64(data: bytes) -> Iterator[bytes]:
    """In both alphabets: the value alone, and what stays the same whatever stands before and after it."""
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        for alone in (encode(data), encode(data + b"\n")):
            yield alone
            yield alone.rstrip(b"=")
            for width in _BASE64_LINES:
                yield from _wrapped(alone, width)
        for before in range(3):
            # Of the characters at either end, one also holds bits of the neighbour.
            first = (0, 2, 3)[before]
            last = (before + len(data)) * 8 // 6
            yield encode(bytes(before) + data)[first:last]


def _in_hex(data: bytes) -> Iterator[bytes]:
    for text in (data.hex(), data.hex().upper()):
        yield text.encode()
        yield from _wrapped(text.encode(), _HEX_LINE)


def _wrapped(text: bytes, width: int) -> list[bytes]:
    """The lines of a text that is too long for one."""
    return [text[start : start + width] for start in range(0, len(text), width)] if len(text) > width else []


def _in_urls(text: str) -> Iterator[str]:
    """Percent-encoded as the usual libraries do, with either case of the hexadecimal digits."""
    data = _bytes(text)
    for encoded in (quote(data, safe=""), quote(data), quote(data, safe=_UNQUOTED_IN_JAVASCRIPT), quote_plus(data)):
        yield encoded
        yield _PERCENT.sub(lambda digits: digits[0].lower(), encoded)


def _in_json(text: str) -> Iterator[str]:
    """The inside of a JSON string: of Python, JavaScript, PHP and Go."""
    for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
        yield escaped.translate(_HTML_IN_JSON)


def _in_shells(text: str) -> Iterator[str]:
    """Inside single quotes, in both ways out of them; double quotes; `$'…'`; with backslashes."""
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield _QUOTED_IN_DOUBLE_QUOTES.sub(r"\\\1", text)
    yield text.translate(_ANSI_C)
    yield _QUOTED_BY_BASH.sub(r"\\\1", text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
