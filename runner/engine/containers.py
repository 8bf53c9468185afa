"""The Docker backend: a network, a volume and sandboxes for each job, a fresh container for each step."""

import queue
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network

from pipelines.plan import PlannedJob, PlannedStep
from runner.backend import Outcome, Output, PullSink, Ticket, Tree, WorkspaceFile, unheard
from runner.engine.address import Certificates
from runner.engine.admitted import has_own_network
from runner.engine.builds.builder import Builder
from runner.engine.builds.context import Source
from runner.engine.client import Engine
from runner.engine.connection import DEFAULT_PATIENCE_SECONDS
from runner.engine.credentials import Credentials
from runner.engine.filling import Volume, fill
from runner.engine.gatedstep import GatedStep, Maker, program_of, said_by
from runner.engine.ground import ROOM_AHEAD, Ground
from runner.engine.health import HealthWatch, check_of, unasked
from runner.engine.images import Images, identity
from runner.engine.limits import limits_of
from runner.engine.machine import Machine
from runner.engine.network import DEFAULT_RANGE
from runner.engine.outage import persist
from runner.engine.outputfile import make_output_file, read_output_file
from runner.engine.ownership import Owner, labels_for, this_process
from runner.engine.process import Container, as_asked_by_its_step, follow, start
from runner.engine.pull import Say
from runner.engine.pullnews import PullNews
from runner.engine.sandbox import FILES_AT
from runner.engine.spec import Options, Place, program_behind_gate, service_options, step_options
from runner.engine.stepimages import StepImages, Turn, failed_build, named
from runner.engine.sweep import STILL_IN_USE
from runner.engine.volumedirectory import volume_directory
from runner.engine.workspace import collect, in_files
from runner.environment import step_directory
from runner.errors import BackendError, BuildError
from runner.names import container_name_part
from runner.results.outputs import LARGEST_BYTES, output_path
from runner.stop import Stop

DEFAULT_LANES = 4
DEFAULT_STOP_GRACE_SECONDS = 10.0


class DockerBackend:
    """Makes DockerSites on the engine at `base_url`. Nothing is asked of the engine before the first job.

    `lanes` is how many steps of a job may run at once, `network_range` where jobs' subnets are taken from,
    `stop_grace_seconds` the time between SIGTERM and SIGKILL, `memory_bytes` what a step may take that doesn't say,
    nine tenths of the machine's if that is None, `patience_seconds` how long an engine that doesn't answer any more is
    waited for.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and all have defaults
        self,
        base_url: str,
        *,
        owner: Owner | None = None,
        network_range: IPv4Network = DEFAULT_RANGE,
        lanes: int = DEFAULT_LANES,
        stop_grace_seconds: float = DEFAULT_STOP_GRACE_SECONDS,
        certificates: Certificates | None = None,
        credentials: Credentials | None = None,
        memory_bytes: int | None = None,
        patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
    ) -> None:
        self.engine = Engine(base_url, certificates, patience_seconds=patience_seconds)
        self.machine = Machine(self.engine, network_range, memory_bytes=memory_bytes)
        self.images = Images(self.engine, credentials, info=lambda: self.machine.info)
        self.owner = owner or this_process()
        self.lanes = lanes
        self.stop_grace_seconds = stop_grace_seconds
        self._ahead: queue.SimpleQueue[Ground] = queue.SimpleQueue()

    def begin(self, run: str) -> None:
        """Begin to make what any job needs, for the first one of this run that is opened, whichever that will be."""
        self._ahead.put(self.new_ground(Ticket(run=run, job=""), addresses=ROOM_AHEAD))

    def close(self) -> None:
        """Remove what was begun and no job has taken, and close the connections to the engine."""
        with closing(self.engine), suppress(queue.Empty):
            while True:
                self._ahead.get_nowait().clear()

    def open(self, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop, pulls: PullSink = unheard) -> "DockerSite":
        """A Site for this job, in the making."""
        return DockerSite(self, job, ticket, tree, stop, pulls)

    def ground_for(self, ticket: Ticket, *, addresses: int) -> Ground:
        """What a job that has so many containers on its network stands on: what was begun, else a new one."""
        if addresses <= ROOM_AHEAD:
            with suppress(queue.Empty):
                return self._ahead.get_nowait()
        return self.new_ground(ticket, addresses=addresses)

    def new_ground(self, ticket: Ticket, *, addresses: int) -> Ground:
        """A ground with room for so many containers on its network."""
        token = secrets.token_hex(6)
        return Ground(self.machine, token, labels_for(self.owner, ticket, token), addresses=addresses)


class DockerSite:
    """One job's network, volumes, lanes and containers. All bear its label, and `close` removes what does.

    DESIGN. A ground that couldn't be laid, because the engine was lost meanwhile, is cleared and another one laid. Only
    `wait_until_open` does that; what was made ready on the one before is made again when its turn comes.
    """

    def __init__(
        self, backend: DockerBackend, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop, pulls: PullSink
    ) -> None:
        self._backend = backend
        self._engine = backend.engine
        self._job = job
        self._ticket = ticket
        self._tree = tree
        self._stop = stop
        self._news = PullNews(pulls)
        self._workspace = self._in_files(job.workspace)
        self._lay(backend.ground_for(ticket, addresses=self._addresses))

    def _lay(self, ground: Ground) -> None:
        """Begin all that depends on the job."""
        self._ground = ground
        self._is_laid = True
        source = Source(self._engine, ground.files_name, self._workspace)
        builder = Builder(self._backend.images, source, self._news, network=ground.place.network, run=self._ticket.run)
        self._images = StepImages(self._backend.images, builder, self._news, run=self._ticket.run)
        self._images.begin(self._job)
        self._filled = ground.errands.submit(self._fill, ground)

    @property
    def lanes(self) -> int:
        """How many steps may run at once: no more than there are."""
        foreground = [step for step in self._job.included_steps if not step.detach]
        return max(1, min(self._backend.lanes, len(foreground)))

    def wait_until_open(self) -> None:
        """Wait until the first lane is there and the workspace filled. Raises BackendError."""
        persist(self._open, self._engine, self._stop.wait)

    def _open(self) -> None:
        if not self._is_laid:
            self.close()
            self._lay(self._backend.new_ground(self._ticket, addresses=self._addresses))
        try:
            self._ground.sandboxes.wait_for_network(0)
            self._filled.result()
        except BackendError:
            self._is_laid = False
            raise

    @property
    def _addresses(self) -> int:
        steps = self._job.steps
        builds = sum(step.build is not None for step in (*self._job.services, *steps))
        alone = sum(step.detach or has_own_network(step) for step in steps)
        return self.lanes + len(self._job.services) + alone + builds

    @property
    def _place(self) -> Place:
        labels = labels_for(self._backend.owner, self._ticket, self._ground.token)
        return replace(self._ground.place, labels=labels, allowance=self._backend.machine.allowance)

    def ready(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> GatedStep:
        """Create and start the step's container behind its gate, unless the image is missing or the engine refuses."""
        gated = GatedStep(
            self._engine,
            self._maker(step, environment, lane),
            self._remove,
            partial(self._wait_for_network, step, lane),
        )
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

        Calls `started` once it runs and its health check, if it has one, has succeeded.
        """
        try:
            image = None if stop.requested else self._images.image(service, said_by(output), stop, Turn.NOW)
        except BuildError as error:
            return failed_build(error)
        if image is None:
            return Outcome(status=stop.status, reason=stop.reason)
        options = unasked(service_options(self._job, named(service, image), environment, self._place), image)
        check = check_of(service, image)
        ran = identity(service.image, image)
        container, stream = persist(
            lambda: self._start(service, options, ran), self._engine, stop.wait, said_by(output)
        )
        try:
            if check:
                started = partial(HealthWatch(self._engine, container.id, check, stop).begin, started)
            with closing(stream):
                started()
                return follow(container, stream, output, stop)
        finally:
            self._remove(container.id)

    def _start(self, service: PlannedStep, options: Options, image: str) -> tuple[Container, socket.socket]:
        """A background container that runs, and what it prints."""
        identifier = self._create(options, service)
        try:
            container = self._container(identifier, service, image, self._ground.sandboxes.in_lane(0))
            return container, start(container)
        except BaseException:
            self._remove(identifier)
            raise

    def collect(self, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
        """The regular files of the workspace that match any of these globs, in order of their path."""
        return collect(self._engine, self._ground.files, workspace=self._workspace, patterns=patterns)

    def output_of(self, step: PlannedStep) -> bytes:
        """What the last attempt at a step wrote to the file `$CI_OUTPUT`."""
        path = self._output_path(step)
        return read_output_file(self._engine, self._ground.files, path, limit_bytes=LARGEST_BYTES)

    def _output_path(self, step: PlannedStep) -> str:
        """Where the files container has it."""
        return self._in_files(output_path(self._job, step))

    def close(self) -> None:
        """Stop and remove all that was made for the job. Raises BackendError if something is left."""
        persist(self._clear, self._engine, self._pause, passing=STILL_IN_USE)

    def _clear(self) -> None:
        self._images.close()
        self._ground.clear()

    def _pause(self, seconds: float) -> bool:
        """Wait before the next try to clean up. Who has stopped a job doesn't wait long for an engine that is gone."""
        time.sleep(seconds)
        return self._stop.requested and self._engine.lost_seconds > self._backend.stop_grace_seconds

    def _fill(self, ground: Ground) -> None:
        # Commands make their own; for a program that starts at once the engine would make one for root alone.
        starts = (step_directory(self._job, step) for step in self._job.included_steps if not step.commands)
        volume = Volume(
            engine=self._engine,
            container=ground.files,
            base=FILES_AT,
            spare=ground.spare_files,
            here=partial(volume_directory, self._engine, ground.place.volume),
        )
        directories = tuple(self._in_files(each) for each in starts)
        fill(volume, workspace=self._workspace, tree=self._tree, stop=self._stop, directories=directories)

    def _in_files(self, path: str) -> str:
        """Where the files container has what a step has at this path."""
        return in_files(self._job.workspace_base, path, FILES_AT)

    def _maker(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> Maker:
        """Makes the step's container, with all that it needs; None if `stop` was requested meanwhile."""

        def make(more: Mapping[str, str], say: Say, stop: Stop, turn: Turn) -> Container | None:
            image = self._images.image(step, say, stop, turn)
            if image is None:
                return None
            if step.outputs:
                make_output_file(self._engine, self._ground.files, self._output_path(step), below=FILES_AT)
            in_lane, sandboxes = not has_own_network(step), self._ground.sandboxes
            sandbox = sandboxes.in_lane(lane)
            options = step_options(
                self._job,
                named(step, image),
                {**environment, **more},
                self._place,
                sandbox=sandbox if in_lane else "",
                image_program=program_of(step, image),
            )
            identifier = self._create(unasked(options, image), step)
            _ = self._ground.files  # the volume with the gate's program is filled by then
            if in_lane:
                sandboxes.wait_for(lane)
            made = self._container(identifier, step, identity(step.image, image), sandbox)
            return replace(made, program=program_behind_gate(options))

        return make

    def _wait_for_network(self, step: PlannedStep, lane: int) -> None:
        if not has_own_network(step):
            self._ground.sandboxes.wait_for_network(lane)

    def _create(self, options: Options, step: PlannedStep) -> str:
        with as_asked_by_its_step():
            return self._backend.machine.abilities.create_container(options, self._container_name(step))

    def _container(self, identifier: str, step: PlannedStep, image: str, witness: str) -> Container:
        return Container(
            engine=self._engine,
            id=identifier,
            image=image,
            witness=witness,
            starts=self._backend.machine.starts,
            stop_grace_seconds=self._backend.stop_grace_seconds,
            processes=limits_of(step.resources, self._place.allowance).processes,
        )

    def _container_name(self, step: PlannedStep) -> str:
        return f"headrace-{self._ground.token}-{container_name_part(step.name)}-{secrets.token_hex(2)}"

    def _remove(self, container: str) -> None:
        """Remove a container off the step's path; `close` waits for it and removes what this couldn't."""
        self._ground.errands.submit(self._engine.remove_container, container)
