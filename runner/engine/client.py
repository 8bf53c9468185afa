"""Engine: the calls we make to a container engine, each with its time-out and its error in words.

DESIGN. Only this file knows `docker`. A client serves one call at a time (a requests session isn't safe to share),
so each call borrows one from a pool that grows as needed; none crosses a fork. Every call either answers or raises
BackendError: EngineRefusal if the engine said no, else the engine is gone or hangs. The API is spoken in the engine's
own version, asked for once; 1.41 and newer are supported.
"""

import json
import os
import queue
import socket
import weakref
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from urllib3.exceptions import ReadTimeoutError

from runner.errors import BackendError

CONNECT_SECONDS, ANSWER_SECONDS = 5, 120
OLDEST_API = (1, 41)


class EngineRefusal(BackendError):  # noqa: N818 - a no is its meaning
    """Raised when the engine answers that it won't. `status` is its HTTP status, `answer` its own words."""

    def __init__(self, message: str, status: int, answer: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class ImageMissing(EngineRefusal):
    """Raised when a container's image is not on the engine's machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What we ask an engine about its machine. `architecture` is as in `uname -m`."""

    architecture: str
    cpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """Where a container stands. `error` is what the engine said when it couldn't start it."""

    is_running: bool
    exit_code: int
    out_of_memory: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A container, network or volume with its labels. `name` is what the engine removes it by."""

    name: str
    labels: Mapping[str, str]


class Engine:
    """One container engine at an address such as `unix:///var/run/docker.sock` or `tcp://host:2375`.

    Any thread may call it. Make it after a fork, not before.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._version: str | None = None
        self._idle: queue.LifoQueue[docker.APIClient] = queue.LifoQueue()
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that are idle. The engine can be used again."""
        _close_all(self._idle)

    # The machine

    def info(self) -> EngineInfo:
        """Facts about the engine's machine. The first call that tells whether there is an engine at all."""
        with self._words("tell about itself") as client:
            answer = client.info()
        return EngineInfo(architecture=answer["Architecture"], cpus=answer["NCPU"])

    # Containers

    def create_container(self, options: Mapping[str, Any], name: str) -> str:
        """Make a container from the API's own options and give its id. Raises ImageMissing."""
        with self._words("create a container") as client:
            try:
                answer = client.create_container_from_config(dict(options), name)  # type: ignore[no-untyped-call]
            except ImageNotFound as error:
                raise ImageMissing(f"no image {options['Image']} on this machine", 404) from error
        return str(answer["Id"])

    def attach(self, container: str) -> socket.socket:
        """A socket that gives the container's output from now on, in the engine's frames, and blocks for it.

        To be called before the start: what has been printed already may be lost.
        """
        with self._words("attach to a container") as client:
            # Not docker-py's own: its file object times out, and can't be closed while another thread reads it.
            answer = client.post(
                f"{client.base_url}/v{client.api_version}/containers/{container}/attach",
                params={"stdout": 1, "stderr": 1, "stream": 1},
                headers={"Connection": "Upgrade", "Upgrade": "tcp"},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                stream=True,
            )
            with answer:
                if answer.status_code != 101:
                    raise EngineRefusal(f"the container engine would not attach: {answer.text}", answer.status_code)
                stream = socket.socket(fileno=os.dup(answer.raw.fileno()))
        stream.settimeout(None)
        return stream

    def start(self, container: str) -> None:
        """Start a container."""
        with self._words("start a container") as client:
            client.start(container)

    def wait(self, container: str, seconds: float) -> bool:
        """Wait until the container has ended; False if it still runs after this time."""
        try:
            with self._words("wait for a container") as client:
                client.wait(container, timeout=(CONNECT_SECONDS, seconds))  # type: ignore[arg-type] # requests takes pairs
        except BackendError as error:
            # The engine sends its headers at once: requests has another name for a time-out after those.
            if any(isinstance(cause, ReadTimeoutError) for cause in _causes(error)):
                return False
            raise
        return True

    def state(self, container: str) -> ContainerState:
        """Where the container stands."""
        with self._words("inspect a container") as client:
            state = client.inspect_container(container)["State"]
        return ContainerState(
            is_running=state["Running"],
            exit_code=state["ExitCode"],
            out_of_memory=state["OOMKilled"],
            error=state["Error"],
        )

    def signal(self, container: str, name: str) -> None:
        """Send a signal such as `SIGTERM`. One that has ended is let be."""
        with self._words("signal a container", tolerated=(404, 409)) as client:
            client.kill(container, name)

    def remove_container(self, container: str) -> None:
        """Kill and remove a container and its nameless volumes. One that is gone or going is let be."""
        with self._words("remove a container", tolerated=(404, 409)) as client:
            client.remove_container(container, v=True, force=True)

    # Files

    def put_archive(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """Unpack a tar stream in a directory of the container. What the stream raises comes through."""
        with self._words(f"unpack files in {path}") as client:
            client.put_archive(container, path, iter(tar))

    def get_archive(self, container: str, path: str) -> Iterator[bytes]:
        """A file or directory as a tar stream whose names begin with its last part. Raises EngineRefusal, 404."""
        with self._words(f"read {path}") as client:
            chunks, _ = client.get_archive(container, path)
            yield from chunks

    def is_symbolic_link(self, container: str, path: str) -> bool:
        """True if this path is a symbolic link. Raises EngineRefusal, 404, if there is nothing."""
        with self._words(f"look at {path}") as client:
            url = f"{client.base_url}/v{client.api_version}/containers/{container}/archive"
            answer = client.head(url, params={"path": path}, timeout=(CONNECT_SECONDS, ANSWER_SECONDS))
            if answer.status_code == 404:
                raise EngineRefusal(f"no {path} in the container", 404)
            answer.raise_for_status()
        return bool(json.loads(b64decode(answer.headers["X-Docker-Container-Path-Stat"]))["linkTarget"])

    # Networks and volumes

    def create_network(self, name: str, subnet: str, labels: Mapping[str, str]) -> None:
        """Make a bridge network with just this subnet. Raises EngineRefusal also if the subnet is taken."""
        with self._words(f"create the network {subnet}") as client:
            addresses = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)])
            client.create_network(name, driver="bridge", ipam=addresses, labels=dict(labels))

    def subnets(self) -> list[str]:
        """The subnets of all the engine's networks."""
        with self._words("list networks") as client:
            configs = [network["IPAM"]["Config"] or [] for network in client.networks()]
        return [config["Subnet"] for several in configs for config in several if "Subnet" in config]

    def remove_network(self, name: str) -> None:
        """Remove a network. One that is gone is let be."""
        with self._words("remove a network", tolerated=(404,)) as client:
            client.remove_network(name)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make an empty volume."""
        with self._words("create a volume") as client:
            client.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Remove a volume. One that is gone is let be."""
        with self._words("remove a volume", tolerated=(404,)) as client:
            client.remove_volume(name)

    # What bears a label

    def containers(self, label: str) -> list[Labelled]:
        """All containers with this label (`key` or `key=value`), also those that have ended."""
        with self._words("list containers") as client:
            found = client.containers(all=True, filters={"label": [label]})
        return [Labelled(name=each["Id"], labels=each["Labels"]) for each in found]

    def networks(self, label: str) -> list[Labelled]:
        """All networks with this label."""
        with self._words("list networks") as client:
            found = client.networks(filters={"label": [label]})
        return [Labelled(name=each["Id"], labels=each["Labels"]) for each in found]

    def volumes(self, label: str) -> list[Labelled]:
        """All volumes with this label."""
        with self._words("list volumes") as client:
            found = client.volumes(filters={"label": [label]})["Volumes"] or []
        return [Labelled(name=each["Name"], labels=each["Labels"] or {}) for each in found]

    # Images

    def has_image(self, name: str) -> bool:
        """True if the image is on the engine's machine."""
        try:
            with self._words("look for an image") as client:
                client.inspect_image(name)  # type: ignore[no-untyped-call]
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def import_image(self, name: str, tag: str, tar: bytes, changes: Iterable[str] = ()) -> None:
        """Make an image of one layer from a tar; `changes` are Dockerfile lines such as `ENTRYPOINT ["/x"]`."""
        with self._words(f"import the image {name}:{tag}") as client:
            client.import_image_from_data(tar, repository=name, tag=tag, changes=list(changes))

    def pull(self, name: str) -> Iterator[dict[str, Any]]:
        """Pull an image; gives the engine's progress messages, one of which may hold `error`."""
        with self._words(f"pull {name}") as client:
            yield from client.pull(name, stream=True, decode=True)

    # The connection

    @contextmanager
    def _words(self, what: str, *, tolerated: tuple[int, ...] = ()) -> Iterator[docker.APIClient]:
        """A client for the block, whose errors become ours, in words, or nothing if their status is tolerated."""
        try:
            client = self._borrow()
            try:
                yield client
            finally:
                self._idle.put(client)
        except APIError as error:
            if error.status_code not in tolerated:
                reason = " ".join(str(error.explanation or error).split())
                message = f"the container engine would not {what}: {reason}"
                raise EngineRefusal(message, error.status_code or 0, reason) from error
        except requests.exceptions.Timeout as error:
            raise BackendError(f"the container engine at {self.base_url} took too long to {what}") from error
        except (requests.exceptions.RequestException, DockerException, OSError) as error:
            raise BackendError(_no_engine(self.base_url, error)) from error

    def _borrow(self) -> docker.APIClient:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        _check_socket(self.base_url)
        client = docker.APIClient(base_url=self.base_url, version=self._version, timeout=CONNECT_SECONDS)
        self._require_version(client.api_version)
        client.trust_env = False  # no proxy between us and an engine, and no look-ups for one at each call
        client.timeout = (CONNECT_SECONDS, ANSWER_SECONDS)  # type: ignore[assignment] # requests takes pairs
        return client

    def _require_version(self, version: str) -> None:
        if tuple(map(int, version.split("."))) < OLDEST_API:
            raise BackendError(
                f"the container engine at {self.base_url} speaks API {version}; at least 1.41 (Docker 20.10) is needed"
            )
        self._version = version


def _check_socket(base_url: str) -> None:
    """Raises OSError if nobody listens on a unix socket: docker-py would, too, but leave its own end open."""
    if base_url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CONNECT_SECONDS)
            probe.connect(base_url.removeprefix("unix://"))


def _close_all(idle: "queue.LifoQueue[docker.APIClient]") -> None:
    while not idle.empty():
        idle.get().close()


def _no_engine(base_url: str, error: BaseException) -> str:
    """What to tell somebody whose engine can't be reached."""
    if any(isinstance(cause, PermissionError) for cause in _causes(error)):
        return (
            f"no permission to use the container engine at {base_url} (join its group: sudo usermod -aG docker $USER)"
        )
    return f"no container engine answers at {base_url} (is Docker running? start it, or set DOCKER_HOST)"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from; requests hides some causes among the arguments."""
    yield error
    for cause in (error.__cause__, error.__context__, *error.args):
        if isinstance(cause, BaseException) and cause is not error:
            yield from _causes(cause)
