"""The Docker backend: a network, a volume and sandboxes for each job, a fresh container for each step."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from ipaddress import IPv4Network

from pipelines.plan import PlannedJob, PlannedStep
from runner.backend import Outcome, Output, Ticket, Tree, WorkspaceFile
from runner.engine.address import Certificates
from runner.engine.ahead import PullsAhead, images_of
from runner.engine.client import Engine, EngineInfo, Image
from runner.engine.credentials import Credentials
from runner.engine.gatedstep import GatedStep, Maker, program_of, said_by
from runner.engine.health import HealthWatch, check_of, unasked
from runner.engine.images import Images, PullPolicy
from runner.engine.network import DEFAULT_RANGE, create_network
from runner.engine.ownership import ROLE, SITE, Owner, labels_for, this_process
from runner.engine.process import Container, run
from runner.engine.pull import Say
from runner.engine.sandbox import Sandboxes, sandbox_image
from runner.engine.spec import Place, files_options, runs_image_program, sandbox_options, service_options, step_options
from runner.engine.workspace import collect, fill
from runner.environment import step_directory
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
        certificates: Certificates | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.engine = Engine(base_url, certificates)
        self.images = Images(self.engine, credentials)
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
    """One job's network, volumes, lanes and containers. All bear its label, and `close` removes what does."""

    def __init__(self, backend: DockerBackend, job: PlannedJob, ticket: Ticket) -> None:
        self._backend = backend
        self._engine = backend.engine
        self._job = job
        self._token = secrets.token_hex(6)
        name = f"headrace-{self._token}"
        labels = labels_for(backend.owner, ticket, self._token)
        self._place = Place(volume=name, shim_volume=f"{name}-shim", network=name, labels=labels)
        self._files = ""  # the container through which the workspace is filled and read
        self._ahead = PullsAhead(backend.images)
        self._errands = ThreadPoolExecutor(8, thread_name_prefix="headrace-errand")
        self._sandboxes = Sandboxes(self._create_sandbox, self._start_sandbox, self._errands)

    @property
    def lanes(self) -> int:
        """How many steps may run at once: no more than there are."""
        foreground = [step for step in self._job.included_steps if not step.detach]
        return max(1, min(self._backend.lanes, len(foreground)))

    def build(self, tree: Tree, stop: Stop) -> None:
        """Make the network and the volumes, and fill the workspace while the first sandbox starts."""
        self._ahead.begin(images_of(self._job))
        network = self._errands.submit(self._create_network)
        shim_volume = self._errands.submit(self._create_volume, self._place.shim_volume)
        image = self._errands.submit(lambda: self._backend.sandbox_image)
        self._create_volume(self._place.volume)
        shim_volume.result()
        options = files_options(image.result(), self._job.workspace_base, self._place)
        self._files = self._engine.create_container(options, f"headrace-{self._token}-files")
        filled = self._errands.submit(self._fill, tree, stop)
        network.result()
        self._sandboxes.in_lane(0)
        filled.result()

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
        return collect(self._engine, self._files, workspace=self._job.workspace, patterns=patterns)

    def close(self) -> None:
        """Stop and remove all that was made for the job. Raises BackendError if something is left."""
        self._ahead.close()
        self._errands.shutdown()
        with ThreadPoolExecutor(4, thread_name_prefix="headrace-errand") as errands:
            found = self._engine.containers(f"{SITE}={self._token}")
            ours = [each.name for each in found if ROLE in each.labels]
            others = [each.name for each in found if ROLE not in each.labels]
            for names in (others, ours):  # an engine may refuse to remove a sandbox whose network others use
                list(errands.map(self._engine.remove_container, names))
            network = errands.submit(self._engine.remove_network, self._place.network)
            list(errands.map(self._engine.remove_volume, (self._place.volume, self._place.shim_volume)))
            network.result()

    def _create_network(self) -> None:
        background = len(self._job.services) + sum(step.detach for step in self._job.steps)
        create_network(
            self._engine,
            self._place.network,
            addresses=self.lanes + background,
            pool=self._backend.network_range,
            labels=self._place.labels,
        )

    def _create_volume(self, name: str) -> None:
        self._engine.create_volume(name, self._place.labels)

    def _fill(self, tree: Tree, stop: Stop) -> None:
        base, workspace = self._job.workspace_base, self._job.workspace
        # Commands make their own; for a program that starts at once the engine would make one for root alone.
        starts = tuple(step_directory(self._job, step) for step in self._job.included_steps if not step.commands)
        fill(self._engine, self._files, base=base, workspace=workspace, tree=tree, stop=stop, directories=starts)

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
                sandbox=self._sandboxes.in_lane(lane),
                image_program=program_of(step, image),
            )
            identifier = self._engine.create_container(unasked(options, image), self._container_name(step))
            self._sandboxes.wait_for(lane)
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
            starts=self._backend.starts,
            stop_grace_seconds=self._backend.stop_grace_seconds,
        )

    def _container_name(self, step: PlannedStep) -> str:
        return f"headrace-{self._token}-{container_name_part(step.name)}-{secrets.token_hex(2)}"

    def _remove(self, container: str) -> None:
        """Remove a container off the step's path; `close` waits for it and removes what this couldn't."""
        self._errands.submit(self._engine.remove_container, container)

    def _start_sandbox(self, sandbox: str) -> None:
        with self._backend.starts:
            self._engine.start(sandbox)

    def _create_sandbox(self) -> str:
        options = sandbox_options(self._backend.sandbox_image, self._place)
        return self._engine.create_container(options, f"headrace-{self._token}-lane-{secrets.token_hex(2)}")
