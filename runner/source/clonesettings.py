"""CloneSettings: how much of a repository a job gets, as a workflow's `clone` asks and its event suggests."""

from dataclasses import dataclass
from datetime import timedelta

from pipelines.details import Checkout
from pipelines.event import Event, EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSettings:
    """What the checkout holds besides the commit's files.

    `depth` is the number of commits of history, 0 for all; `tags` brings the repository's tags, `submodules` the
    trees of its submodules and of theirs, `lfs` the contents of large files where the commit has but their names.
    `remote` is another address than the event's. `attempts` and `backoff` are for the network.
    """

    depth: int = 1
    tags: bool = False
    submodules: bool = True
    lfs: bool = True
    remote: str = ""
    attempts: int = 1
    backoff: timedelta = timedelta(0)


DEFAULT_CLONE = CloneSettings()


def clone_settings(checkout: Checkout, event: Event) -> CloneSettings:
    """The settings of a job for this event.

    Tags come for a tag, and bring all of history where no depth is asked for: `git describe` wants both. `partial`
    stands for one commit, whatever the depth; `partial: false` alone for all of history.
    """
    tags = event.kind is EventKind.TAG if checkout.tags is None else checkout.tags
    return CloneSettings(
        depth=_depth(checkout, tags=tags),
        tags=tags,
        submodules=checkout.recursive,
        lfs=checkout.lfs,
        remote=checkout.remote,
        attempts=checkout.attempts,
        backoff=timedelta(seconds=checkout.backoff),
    )


def _depth(checkout: Checkout, *, tags: bool) -> int:
    if tags:
        return checkout.depth or 0
    if checkout.partial or (checkout.partial is None and checkout.depth is None):
        return 1
    return checkout.depth or 0
