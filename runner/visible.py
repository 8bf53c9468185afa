"""What of a text may reach a terminal: the text itself and its colours, nothing that a terminal would obey."""

import re

_CONTROL = re.compile(
    r"\x1b\[[0-9;:]*m"  # colours: kept
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links, clipboards
    r"|\x1b."
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def visible(text: str) -> str:
    """The text without what a terminal would obey, save colours."""
    return _CONTROL.sub(lambda match: match[0] if match[0].endswith("m") and match[0].startswith("\x1b[") else "", text)
