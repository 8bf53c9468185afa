"""What the workflow files of a commit may include: the commit's own files, and those of other repositories.

SECURITY. Whoever opens a pull request from a fork writes its workflow files, so they must not have our credentials read
another repository for them. Other repositories are then read in nobody's name, also those of the same owner.
"""

from dataclasses import dataclass
from functools import partial

from pipelines.event import Event
from pipelines.reading.library import Library
from runner.includable import Includable
from runner.source.access import ANONYMOUS
from runner.source.mirror import Mirror
from runner.source.others import Origin, Others, file_at
from worker.trust import is_from_fork


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """The libraries of a run, that of its own commit among them."""

    own: Library
    others: Others

    @property
    def texts(self) -> dict[str, bytes]:
        """The contents of all files that were read, by their names in problems."""
        return {**{self.own.called(path): text for path, text in self.own.files.items()}, **self.others.texts}


def libraries_of(mirror: Mirror, event: Event) -> Libraries:
    """What the files of this event's commit may include. What an earlier planning of it has found, is found again."""
    origin = Origin(
        address=event.repository.clone_url,
        name=event.repository.full_name,
        access=ANONYMOUS if is_from_fork(event) else mirror.access,
    )
    others = Others(mirror.root, tries=mirror.tries, known=event.included)
    own = Library(files=Includable(partial(file_at, mirror)), reach=partial(others.reach, origin))
    return Libraries(own=own, others=others)
