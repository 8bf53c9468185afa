"""What a worker reads of repositories: the mirror that a run is planned from, the tree that a job's workspace gets.

Whatever a repository is read by (the machine's own access, or credentials of the repository's) is decided here alone.
"""

from collections.abc import Iterator

from pipelines.details import Checkout
from pipelines.event import Event
from runner.backend import Piece, Tree
from runner.source.access import MACHINE, Access, GitCredentials
from runner.source.clonesettings import clone_settings
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched_as_asked
from runner.source.resolve import is_unresolved, resolved
from runner.source.tree import commit_streams
from runner.source.tries import Tries
from runner.stop import Stop
from worker.order import JobOrder, PlanOrder
from worker.secrets.entrusted import Entrusted
from worker.settings import Settings


def planning_mirror(settings: Settings, order: PlanOrder, entrusted: Entrusted, stop: Stop) -> Mirror:
    """The mirror of the run's repository, with its commit; what people have named is resolved. Raises SourceError."""
    event, access, root = order.event, _access(order.event, entrusted), settings.mirrors_directory
    asked = clone_settings(Checkout(), event)
    if is_unresolved(event):
        tries = Tries(attempts=asked.attempts, backoff=asked.backoff, stop=stop)
        event = resolved(root, event, access=access, tries=tries)
    return fetched_as_asked(root, event, asked, access=access, stop=stop)


def job_tree(settings: Settings, order: JobOrder, entrusted: Entrusted, stop: Stop) -> Tree:
    """What fills the job's workspace, as its workflow's `clone` asks. It raises SourceError."""
    asked = clone_settings(order.job.checkout, order.event)

    def tree() -> Iterator[Piece]:
        access = _access(order.event, entrusted)
        mirror = fetched_as_asked(settings.mirrors_directory, order.event, asked, access=access, stop=stop)
        yield from commit_streams(mirror, asked)

    return tree


def _access(event: Event, entrusted: Entrusted) -> Access:
    """In whose name git fetches: the repository's own if it has credentials, else the machine's."""
    clone = entrusted.clone
    if clone is None:
        return MACHINE
    return GitCredentials(
        owner=event.repository.full_name,
        username=clone.user,
        password=clone.password,
        ssh_key=clone.ssh_key,
        known_hosts=clone.known_hosts,
    )
