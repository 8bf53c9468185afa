"""The order in which the parts of a plan run, as numbers for people to read."""

from collections.abc import Mapping, Sequence


def places(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """For each name 1, or one more than the last of those it waits for. Names that wait for each other get the last.

    `needs` gives what each waits for; what is not in it is nothing to wait for.
    """
    found: dict[str, int] = {}
    waiting = list(needs)
    while waiting:
        ready = [name for name in waiting if all(each in found or each not in needs for each in needs[name])]
        place = max(found.values(), default=0) + 1
        found |= dict.fromkeys(ready or waiting, place)
        waiting = [name for name in waiting if name not in found]
    return found
