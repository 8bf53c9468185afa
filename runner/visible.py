"""What of a text may reach a terminal: of a step's output also its colours, of all else what can be seen, and no more.

DESIGN. Names, titles, branches, paths and reasons come from people who may push, and whoever lists them looks at a
terminal: what was written there may neither move the cursor nor colour, reorder or end the line that it stands in. It
is shown as an escape rather than left out, because two branches that look the same are worse than one that looks odd.
"""

import re
import unicodedata

_CONTROL = re.compile(
    r"\x1b\[[0-9;:]*m"  # colours: kept
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links, clipboards
    r"|\x1b."
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # controls, marks such as those of direction, surrogates, line ends
_JOINERS = "\u200c\u200d"  # of the category Cf, too: emoji are made of them, and words in Persian and Hindi


def visible(text: str) -> str:
    """The text without what a terminal would obey, save colours: for a line of a step's output."""
    return _CONTROL.sub(lambda match: match[0] if match[0].endswith("m") and match[0].startswith("\x1b[") else "", text)


def plain(text: str) -> str:
    r"""The text as one line without anything that a terminal would obey, which is shown as `\x1b` or `\u202e`."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(sign: str) -> str:
    if unicodedata.category(sign) not in _UNSEEN or sign in _JOINERS:
        return sign
    return sign.encode("unicode_escape").decode("ascii")
