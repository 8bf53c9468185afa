"""Damage: a mirror that a crash or a disk has harmed is known by what git says of it, and made anew.

DESIGN. To look for damage costs as much as to read everything, so nobody does. Git tells when it meets some, in words
alone, with the exit code that it has for all else. Where the words mislead, a repository is fetched once more than it
had to be. What the other end says (`remote:`) is no news of ours.
"""

import re
from pathlib import Path

_ID = "[0-9a-f]{40}"
_SIGNS = re.compile(
    rf"corrupt|bad (?:object|config|signature|tree)|object file .* is empty|inflate|unresolved deltas|"
    rf"(?:unable|could not|failed) to (?:read|unpack|parse|find|stream) (?:object|commit|tree|{_ID})|"
    rf"(?:could not|cannot) (?:read|parse) (?:object|commit|tree|{_ID})|non-monotonic index|index file .* is too small|"
    rf"missing (?:object|blob|tree|commit)|reference broken|broken (?:link|ref)|not a git repository|not a tree object|"
    rf"(?:unexpected|unterminated) line in|packfile .* cannot|'origin' does not appear to be a git repository|"
    rf"invalid object|not a valid object name {_ID}|did not send all necessary objects"
)
_NOTE = "headrace-damaged"


def tells_of_damage(said: str) -> bool:
    """True if git said this of a repository of ours that doesn't hold what it should."""
    lines = (line for line in said.lower().splitlines() if not line.startswith("remote: "))
    return any(_SIGNS.search(line) for line in lines)


def note_damage(repository: Path) -> None:
    """Let whoever wants this mirror next make it anew."""
    if repository.is_dir():
        (repository / _NOTE).touch()


def is_noted(repository: Path) -> bool:
    """True if somebody has met damage in it."""
    return (repository / _NOTE).exists()
