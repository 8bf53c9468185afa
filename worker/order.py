"""Order: what a worker is told of a task, as it goes through Redis."""

import msgspec

from pipelines.event import Event
from pipelines.offers import Offers
from pipelines.plan import PlannedJob
from worker.continuing import Before


class PlanOrder(msgspec.Struct, frozen=True, kw_only=True, tag="plan"):
    """Fetch the repository, read the workflow files at the event's commit, and plan.

    `secrets` says which the run may have: names and limits; `sealed` is what the planning itself is Entrusted with.
    `trust` is what an administrator trusts it with, and `privileged_plugins` are the images whose plugins may run
    privileged.
    """

    task: str
    run: str
    event: Event
    secrets: Offers = Offers()
    sealed: str = ""
    trust: tuple[str, ...] = ()
    privileged_plugins: tuple[str, ...] = ()


class JobOrder(msgspec.Struct, frozen=True, kw_only=True, tag="job"):
    """Check out the event's commit and execute this job. `sealed` is what it is Entrusted with.

    `before` says what there is of its steps from attempts at the job that are lost.
    """

    task: str
    run: str
    event: Event
    attempt: int
    job: PlannedJob
    sealed: str = ""
    before: dict[str, Before] = {}


Order = PlanOrder | JobOrder
