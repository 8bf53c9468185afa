"""The Docker backend: a network, a volume and sandboxes for each job, a fresh container for each step."""

import queue
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network

from pipelines.plan import PlannedJob, PlannedStep
from runner.backend import Outcome, Output, Ticket, Tree, WorkspaceFile
from runner.engine.address import Certificates
from runner.engine.ahead import PullsAhead, images_of
from runner.engine.client import Engine, Image
from runner.engine.credentials import Credentials
from runner.engine.gatedstep import GatedStep, Maker, program_of, said_by
from runner.engine.ground import ROOM_AHEAD, Ground
from runner.engine.health import HealthWatch, check_of, unasked
from runner.engine.images import Images, PullPolicy
from runner.engine.machine import Machine
from runner.engine.network import DEFAULT_RANGE
from runner.engine.ownership import Owner, labels_for, this_process
from runner.engine.process import Container, run
from runner.engine.pull import Say
from runner.engine.spec import FILES_AT, runs_image_program, service_options, step_options
from runner.engine.workspace import collect, fill, in_files
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
        certificates: Certificates | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.engine = Engine(base_url, certificates)
        self.machine = Machine(self.engine, network_range)
        self.images = Images(self.engine, credentials)
        self.owner = owner or this_process()
        self.lanes = lanes
        self.stop_grace_seconds = stop_grace_seconds
        self._ahead: queue.SimpleQueue[Ground] = queue.SimpleQueue()

    def begin(self, run: str) -> None:
        """Begin to make what any job needs, for the first one of this run that is opened, whichever that will be."""
        self._ahead.put(self._new_ground(Ticket(run=run, job=""), addresses=ROOM_AHEAD))

    def close(self) -> None:
        """Remove what was begun and no job has taken, and close the connections to the engine."""
        with closing(self.engine), suppress(queue.Empty):
            while True:
                self._ahead.get_nowait().clear()

    def open(self, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop) -> "DockerSite":
        """A Site for this job, in the making."""
        return DockerSite(self, job, ticket, tree, stop)

    def ground_for(self, ticket: Ticket, *, addresses: int) -> Ground:
        """The network of a job that has so many containers on it: what was begun, else a new one."""
        if addresses <= ROOM_AHEAD:
            with suppress(queue.Empty):
                return self._ahead.get_nowait()
        return self._new_ground(ticket, addresses=addresses)

    def _new_ground(self, ticket: Ticket, *, addresses: int) -> Ground:
        token = secrets.token_hex(6)
        return Ground(self.machine, token, labels_for(self.owner, ticket, token), addresses=addresses)


class DockerSite:
    """One job's network, volumes, lanes and containers. All bear its label, and `close` removes what does."""

    def __init__(self, backend: DockerBackend, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop) -> None:
        self._backend = backend
        self._engine = backend.engine
        self._job = job
        self._ahead = PullsAhead(backend.images)
        self._ahead.begin(images_of(job))
        background = len(job.services) + sum(step.detach for step in job.steps)
        self._ground = backend.ground_for(ticket, addresses=self.lanes + background)
        self._place = replace(self._ground.place, labels=labels_for(backend.owner, ticket, self._ground.token))
        self._workspace = in_files(job.workspace_base, job.workspace, FILES_AT)
        self._filled = self._ground.errands.submit(self._fill, tree, stop)

    @property
    def lanes(self) -> int:
        """How many steps may run at once: no more than there are."""
        foreground = [step for step in self._job.included_steps if not step.detach]
        return max(1, min(self._backend.lanes, len(foreground)))

    def wait_until_open(self) -> None:
        """Wait until the first lane is there and the workspace filled. Raises BackendError."""
        self._ground.sandboxes.wait_for(0)
        self._filled.result()

    def ready(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> GatedStep:
        """Create and start the step's container behind its gate, unless the image is missing or the engine refuses."""
        gated = GatedStep(self._maker(step, environment, lane), self._remove)
        gated.prepare()
        return gated

    def serve(
        self,
        service: PlannedStep,
        environment: Mapping[str, str],
        output: Output,
        stop: Stop,
        started: Callable[[], None],
    ) -> Outcome:
        """Run a background container that steps reach by its name, until it ends or `stop` asks.

        Calls `started` once it runs and its image's health check, if it has one, has succeeded.
        """
        image = None if stop.requested else self._ensure_image(service, said_by(output), stop)
        if image is None:
            return Outcome(status=stop.status, reason=stop.reason)
        options = service_options(self._job, service, environment, self._place)
        identifier = self._engine.create_container(unasked(options, image), self._container_name(service))
        try:
            if runs_image_program(service) and (check := check_of(image)):
                started = partial(HealthWatch(self._engine, identifier, check, stop).begin, started)
            return run(self._container(identifier), output, stop, started)
        finally:
            self._remove(identifier)

    def collect(self, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
        """The regular files of the workspace that match any of these globs, in order of their path."""
        return collect(self._engine, self._ground.files, workspace=self._workspace, patterns=patterns)

    def close(self) -> None:
        """Stop and remove all that was made for the job. Raises BackendError if something is left."""
        self._ahead.close()
        self._ground.clear()

    def _fill(self, tree: Tree, stop: Stop) -> None:
        files, workspace = self._ground.files, self._workspace
        fill(self._engine, files, base=FILES_AT, workspace=workspace, tree=tree, stop=stop)

    def _maker(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> Maker:
        """Makes the step's container, with all that it needs; None if `stop` was requested meanwhile."""

        def make(say: Say, stop: Stop, policy: PullPolicy) -> Container | None:
            image = self._ensure_image(step, say, stop, policy)
            if image is None:
                return None
            options = step_options(
                self._job,
                step,
                environment,
                self._place,
                sandbox=self._ground.sandboxes.in_lane(lane),
                image_program=program_of(step, image),
            )
            identifier = self._engine.create_container(unasked(options, image), self._container_name(step))
            _ = self._ground.files  # the volume with the gate's program is filled by then
            self._ground.sandboxes.wait_for(lane)
            return self._container(identifier)

        return make

    def _ensure_image(
        self, step: PlannedStep, say: Say, stop: Stop, policy: PullPolicy = PullPolicy.MISSING
    ) -> Image | None:
        """The step's image, on the engine's machine; None if `stop` was requested meanwhile."""
        image = self._backend.images.ensure(step.image, say, stop, policy=policy)
        return None if stop.requested else image

    def _container(self, identifier: str) -> Container:
        return Container(
            engine=self._engine,
            id=identifier,
            starts=self._backend.machine.starts,
            stop_grace_seconds=self._backend.stop_grace_seconds,
        )

    def _container_name(self, step: PlannedStep) -> str:
        return f"headrace-{self._ground.token}-{container_name_part(step.name)}-{secrets.token_hex(2)}"

    def _remove(self, container: str) -> None:
        """Remove a container off the step's path; `close` waits for it and removes what this couldn't."""
        self._ground.errands.submit(self._engine.remove_container, container)
