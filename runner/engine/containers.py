"""The Docker backend: a network, a volume and sandboxes for each job, a fresh container for each step."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from ipaddress import IPv4Network

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import Stream
from runner.backend import Outcome, Output, Ticket, Tree, WorkspaceFile
from runner.engine.client import Engine, EngineInfo, ImageMissing
from runner.engine.image import pull_image
from runner.engine.network import DEFAULT_RANGE, create_network
from runner.engine.ownership import ROLE, SANDBOX, SITE, Owner, labels_for, this_process
from runner.engine.process import Container, run
from runner.engine.sandbox import Lanes, sandbox_image
from runner.engine.spec import Options, Place, sandbox_options, service_options, step_options
from runner.engine.workspace import collect, fill
from runner.errors import BackendError
from runner.names import container_name_part
from runner.stop import Stop

DEFAULT_LANES = 4
DEFAULT_STOP_GRACE_SECONDS = 10.0


class DockerBackend:
    """Makes DockerSites on the engine at `base_url`. Nothing is asked of the engine before the first job.

    `lanes` is how many steps of a job may run at once, `network_range` where jobs' subnets are taken from,
    `stop_grace_seconds` the time between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        base_url: str,
        *,
        owner: Owner | None = None,
        network_range: IPv4Network = DEFAULT_RANGE,
        lanes: int = DEFAULT_LANES,
        stop_grace_seconds: float = DEFAULT_STOP_GRACE_SECONDS,
    ) -> None:
        self.engine = Engine(base_url)
        self.owner = owner or this_process()
        self.network_range = network_range
        self.lanes = lanes
        self.stop_grace_seconds = stop_grace_seconds

    def close(self) -> None:
        """Close the connections to the engine."""
        self.engine.close()

    @cached_property
    def info(self) -> EngineInfo:
        """Facts about the engine's machine. Raises BackendError that says what to do if there is no engine."""
        return self.engine.info()

    @cached_property
    def sandbox_image(self) -> str:
        """The sandbox's image, on the engine."""
        return sandbox_image(self.engine, self.info.architecture)

    @cached_property
    def starts(self) -> threading.Semaphore:
        """Held while a container starts: more at once than processors make each of them slower."""
        return threading.Semaphore(max(1, self.info.cpus))

    def open(self, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop) -> "DockerSite":
        """A Site for this job, its workspace filled. Raises BackendError and leaves nothing if that fails."""
        site = DockerSite(self, job, ticket)
        try:
            site.build(tree, stop)
        except BaseException:
            with suppress(BackendError):  # what broke the building says more than what it does to the clean-up
                site.close()
            raise
        return site


class DockerSite:
    """One job's network, volume, lanes and containers. All bear its label, and `close` removes what does."""

    def __init__(self, backend: DockerBackend, job: PlannedJob, ticket: Ticket) -> None:
        self._backend = backend
        self._engine = backend.engine
        self._job = job
        self._token = secrets.token_hex(6)
        name = f"headrace-{self._token}"
        self._place = Place(volume=name, network=name, labels=labels_for(backend.owner, ticket, self._token))
        self._lanes = Lanes(self._engine, self._create_sandbox, limit=self.lanes)
        self._first_sandbox = ""
        self._cleaners = ThreadPoolExecutor(2, thread_name_prefix="headrace-clean")

    @property
    def lanes(self) -> int:
        """How many steps may run at once: no more than there are."""
        foreground = [step for step in self._job.included_steps if not step.detach]
        return max(1, min(self._backend.lanes, len(foreground)))

    def build(self, tree: Tree, stop: Stop) -> None:
        """Make the network, the volume and the first sandbox, and fill the workspace while that starts."""
        job, place = self._job, self._place
        self._engine.create_volume(place.volume, place.labels)
        background = len(job.services) + sum(step.detach for step in job.steps)
        create_network(
            self._engine,
            place.network,
            addresses=self.lanes + background,
            pool=self._backend.network_range,
            labels=place.labels,
        )
        self._first_sandbox = self._create_sandbox()
        start = self._cleaners.submit(self._engine.start, self._first_sandbox)
        fill(
            self._engine,
            self._first_sandbox,
            base=job.workspace_base,
            workspace=job.workspace,
            tree=tree,
            stop=stop,
        )
        start.result()
        self._lanes.add(self._first_sandbox)

    def run(self, step: PlannedStep, environment: Mapping[str, str], output: Output, stop: Stop) -> Outcome:
        """Run one step in a fresh container to its end, in a lane of its own."""
        with self._lanes.one() as sandbox:
            options = step_options(self._job, step, environment, self._place, sandbox=sandbox)
            return self._carry_out(step, options, output, stop)

    def serve(
        self,
        service: PlannedStep,
        environment: Mapping[str, str],
        output: Output,
        stop: Stop,
        started: Callable[[], None],
    ) -> Outcome:
        """Run a background container that steps reach by its name, until it ends or `stop` asks."""
        options = service_options(self._job, service, environment, self._place)
        return self._carry_out(service, options, output, stop, started)

    def collect(self, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
        """The regular files of the workspace that match any of these globs, in order of their path."""
        return collect(self._engine, self._first_sandbox, workspace=self._job.workspace, patterns=patterns)

    def close(self) -> None:
        """Stop and remove all that was made for the job. Raises BackendError if something is left."""
        self._cleaners.shutdown()
        mine = f"{SITE}={self._token}"
        with ThreadPoolExecutor(4, thread_name_prefix="headrace-clean") as cleaners:
            # Sandboxes last: an engine may refuse to remove one whose network others use.
            found = self._engine.containers(mine)
            sandboxes = [each.name for each in found if each.labels.get(ROLE) == SANDBOX]
            joined = [each.name for each in found if each.labels.get(ROLE) != SANDBOX]
            for names in (joined, sandboxes):
                list(cleaners.map(self._engine.remove_container, names))
        self._engine.remove_network(self._place.network)
        self._engine.remove_volume(self._place.volume)

    def _carry_out(
        self,
        step: PlannedStep,
        options: Options,
        output: Output,
        stop: Stop,
        started: Callable[[], None] = lambda: None,
    ) -> Outcome:
        identifier = None if stop.requested else self._create(step, options, output, stop)
        if identifier is None:
            return Outcome(status=stop.status, reason=stop.reason)
        container = Container(
            engine=self._engine,
            id=identifier,
            starts=self._backend.starts,
            stop_grace_seconds=self._backend.stop_grace_seconds,
        )
        try:
            return run(container, output, stop, started)
        finally:
            # Off the step's path; `close` waits for it and removes what it couldn't.
            self._cleaners.submit(self._engine.remove_container, identifier)

    def _create(self, step: PlannedStep, options: Options, output: Output, stop: Stop) -> str | None:
        """The step's container, its image pulled if it is missing; None if `stop` was requested meanwhile."""
        name = f"headrace-{self._token}-{container_name_part(step.name)}-{secrets.token_hex(2)}"
        try:
            return self._engine.create_container(options, name)
        except ImageMissing:
            pull_image(self._engine, step.image, lambda line: output(Stream.SYSTEM, line.encode() + b"\n"), stop)
        return None if stop.requested else self._engine.create_container(options, name)

    def _create_sandbox(self) -> str:
        options = sandbox_options(self._backend.sandbox_image, self._job.workspace_base, self._place)
        return self._engine.create_container(options, f"headrace-{self._token}-lane-{secrets.token_hex(2)}")
