"""Drawing: a badge as SVG, from a table of widths and without any font at hand. Pure."""

from html import escape

from pipelines.status import Status

_HEIGHT = 20
_PADDING = 6
_MOST_CHARACTERS = 60
_COLOURS = {
    Status.SUCCESS: "#2e7d32",
    Status.FAILURE: "#c62828",
    Status.TIMED_OUT: "#c62828",
    Status.ERROR: "#ad5a00",
    Status.LOST: "#ad5a00",
    Status.CANCELLED: "#616161",
    Status.SKIPPED: "#616161",
    Status.PENDING: "#1565c0",
    Status.RUNNING: "#1565c0",
    Status.BLOCKED: "#1565c0",
}
_GREY = "#616161"
# Widths at 11 px of the sans-serif faces that browsers pick for `Verdana, sans-serif`, in tenths of a pixel. Each text
# is told to be as wide as this says, so a machine with other faces shows it a little closer or wider, never cut.
_NARROW = dict.fromkeys("ijlI|!.,:;' ", 38) | dict.fromkeys('frt()[]{}-/\\"`', 47)
_WIDE = dict.fromkeys("mwMW%@", 105) | dict.fromkeys("ABCDGHKNOQRUVXY&", 80) | dict.fromkeys("#+<=>^~", 90)
_WIDTHS = _NARROW | _WIDE
_USUAL, _FOREIGN = 68, 110


def badge(label: str, status: Status | None) -> str:
    """A badge that says where something stands; None: it was never run."""
    words = "no runs" if status is None else status.value.replace("_", " ")
    colour = _GREY if status is None else _COLOURS[status]
    return _drawn(_shortened(label), words, colour)


def nothing_to_see() -> str:
    """The badge of what isn't there, or isn't for everybody: both look the same."""
    return _drawn("headrace", "unknown", _GREY)


def width(text: str) -> int:
    """About how wide this text is, in pixels."""
    return round(sum(_WIDTHS.get(sign, _USUAL if sign.isascii() else _FOREIGN) for sign in text) / 10)


def _shortened(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else "�" for sign in text)
    return plain if len(plain) <= _MOST_CHARACTERS else plain[: _MOST_CHARACTERS - 1] + "…"


def _drawn(label: str, words: str, colour: str) -> str:
    left, right = width(label) + 2 * _PADDING, width(words) + 2 * _PADDING
    said = escape(f"{label}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f'aria-label="{said}"><title>{said}</title>'
        f'<clipPath id="c"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#c)"><rect width="{left}" height="{_HEIGHT}" fill="#424242"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(label, 0)}{_text(words, left)}</g></svg>\n"
    )


def _text(text: str, left: int) -> str:
    return (
        f'<text x="{left + _PADDING}" y="14" textLength="{width(text)}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(text)}</text>"
    )
