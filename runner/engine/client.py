"""Engine: the calls we make to a container engine, each with its time-out and its error in words.

DESIGN. Only this file knows `docker`. A client serves one call at a time (a requests session isn't safe to share),
so each call borrows one from a pool that grows as needed; none crosses a fork. Every call either answers or raises
BackendError: EngineRefusal if the engine said no, EngineLost if one that has answered before doesn't any more. Since
when that is so is known to all who ask, so that together they wait no longer than one would. The API is spoken in the
engine's own version, asked for once; 1.41 and newer are supported.
"""

import json
import os
import queue
import socket
import ssl
import struct
import time
import weakref
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import (
    APIError,
    DockerException,
    ImageNotFound,
    InvalidConfigFile,
    TLSParameterError,
)
from docker.tls import TLSConfig
from docker.utils import parse_repository_tag
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning, ReadTimeoutError

from runner.engine.address import Certificates
from runner.errors import BackendError
from runner.stop import Stop

CONNECT_SECONDS = 5
DEFAULT_PATIENCE_SECONDS = 60.0
_FOR_WORK, _FOR_NEWS, _FOR_THE_LOST = 2, 0.5, 0.25  # what an answer may take, in patiences
OLDEST_API = (1, 41)
_NEEDED = "1.41 (Docker 20.10, Podman 4)"
_BROKEN_LOGINS = "the logins in Docker's config.json can't be read: mend `auths` there, or type docker login"
_FRAME = struct.Struct(">4xL")  # the number of the stream, three zeros, the length of what follows


class EngineRefusal(BackendError):  # noqa: N818 - a no is its meaning
    """Raised when the engine answers that it won't. `status` is its HTTP status, `answer` its own words."""

    def __init__(self, message: str, status: int, answer: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class EngineSilence(BackendError):  # noqa: N818 - a thing that happens, like a refusal
    """Raised when the engine doesn't go on with what it has begun."""


class EngineLost(BackendError):  # noqa: N818 - as above
    """Raised when an engine that has answered before is gone, hangs, or has broken off what it said."""


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
    is_being_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image on the engine's machine.

    `digests` are the names that registries know it by (`NAME@sha256:…`), none for one that was made here.
    `architecture` is as Go writes it: amd64, arm64. `health` is its own health check as the API has it: empty,
    `("NONE",)`, `("CMD", PROGRAM, …)` or `("CMD-SHELL", COMMAND)`.
    """

    id: str
    digests: tuple[str, ...]
    architecture: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    shell: tuple[str, ...]
    health: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A container, network or volume with its labels. `name` is what the engine removes it by."""

    name: str
    labels: Mapping[str, str]


class Engine:
    """One container engine at an address such as `unix:///var/run/docker.sock` or `tcp://host:2375`.

    Any thread may call it. Make it after a fork, not before. With `certificates` a tcp:// engine is spoken to by TLS.
    `patience_seconds` is how long whoever can wait for an engine that is lost should do so.
    """

    def __init__(
        self,
        base_url: str,
        certificates: Certificates | None = None,
        *,
        patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
    ) -> None:
        self.base_url = base_url
        self.patience_seconds = patience_seconds
        self._certificates = certificates
        self._version: str | None = None
        self._lost_since: float | None = None
        self._idle: queue.LifoQueue[docker.APIClient] = queue.LifoQueue()
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that are idle. The engine can be used again."""
        _close_all(self._idle)

    @property
    def lost_seconds(self) -> float:
        """For how long the engine hasn't answered; 0 if it does."""
        return 0.0 if self._lost_since is None else time.monotonic() - self._lost_since

    # The machine

    def greet(self) -> None:
        """Raise EngineLost if nobody accepts new connections: an engine that is to end does so no more.

        An engine whose socket systemd holds is silent instead, until the next one has started.
        """
        with self._words("accept a connection"):
            _check_listener(self.base_url, self.patience_seconds)

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

        What is sent through it is the container's standard input, if it was made with one. To be called before the
        start: what has been printed already may be lost.
        """
        with self._words("attach to a container") as client:
            # Not docker-py's own: its file object times out, and can't be closed while another thread reads it.
            answer = client.post(
                f"{client.base_url}/v{client.api_version}/containers/{container}/attach",
                params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1},
                headers={"Connection": "Upgrade", "Upgrade": "tcp"},
                timeout=client.timeout,
                stream=True,
            )
            with answer:
                if answer.status_code != 101:
                    raise _refusal("attach", answer)
                stream = _taken_from(answer)
        stream.settimeout(None)
        return stream

    def start(self, container: str) -> None:
        """Start a container."""
        with self._words("start a container") as client:
            client.start(container)

    def wait(self, container: str, seconds: float) -> bool:
        """Wait until the container has ended; False if it still runs after this time."""
        try:
            with self._words("wait for a container", within=None) as client:
                client.wait(container, timeout=(CONNECT_SECONDS, seconds))  # type: ignore[arg-type] # requests takes pairs
        except BackendError as error:
            # The engine sends its headers at once: requests has another name for a time-out after those.
            if any(isinstance(cause, ReadTimeoutError) for cause in _causes(error)):
                return False
            raise
        return True

    def state(self, container: str) -> ContainerState:
        """Where the container stands. The one question that a sound engine always answers soon."""
        with self._words("inspect a container", within=_FOR_NEWS) as client:
            state = client.inspect_container(container)["State"]
        return ContainerState(
            is_running=state["Running"],
            exit_code=state["ExitCode"],
            out_of_memory=state["OOMKilled"],
            error=state["Error"],
            is_being_removed=state["Status"] == "removing",
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
            answer = client.head(url, params={"path": path}, timeout=client.timeout)
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

    def image(self, name: str) -> Image | None:
        """The image of this name, tag or digest; None if it is not on the engine's machine."""
        try:
            with self._words("look for an image") as client:
                found = client.inspect_image(name)  # type: ignore[no-untyped-call]
        except EngineRefusal as refusal:
            if refusal.status in (400, 404):  # 400: no image can have such a name
                return None
            raise
        config = found.get("Config") or {}
        return Image(
            id=found["Id"],
            digests=tuple(found.get("RepoDigests") or ()),
            architecture=found.get("Architecture") or "",
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            shell=tuple(config.get("Shell") or ("/bin/sh", "-c")),
            health=tuple((config.get("Healthcheck") or {}).get("Test") or ()),
        )

    def has_image(self, name: str) -> bool:
        """True if the image is on the engine's machine."""
        return self.image(name) is not None

    def import_image(self, name: str, tag: str, tar: bytes, changes: Iterable[str] = ()) -> None:
        """Make an image of one layer from a tar; `changes` are Dockerfile lines such as `ENTRYPOINT ["/x"]`."""
        with self._words(f"import the image {name}:{tag}") as client:
            # The tag goes with the name: Podman 4.3 overlooks it where the API has its own place for it.
            client.import_image_from_data(tar, repository=f"{name}:{tag}", changes=list(changes))

    def pull(
        self, name: str, *, login: Mapping[str, str], silence_seconds: float, stop: Stop
    ) -> Iterator[dict[str, Any]]:
        """Pull an image; gives the engine's progress messages, one of which may hold `error`.

        `login` is what the registry is shown, as the API has it, or empty. A stop breaks the pull off, also in the
        engine, and ends the messages. Raises EngineSilence if no message comes for so long.
        """
        repository, tag = parse_repository_tag(name)
        try:
            with self._words(f"pull {name}", within=None) as client:
                answer = client.post(
                    f"{client.base_url}/v{client.api_version}/images/create",
                    params={"fromImage": repository, "tag": tag or "latest"},
                    headers={"X-Registry-Auth": urlsafe_b64encode(json.dumps(dict(login)).encode()).decode()},
                    timeout=(CONNECT_SECONDS, silence_seconds),
                    stream=True,
                )
                with answer, closing(socket.socket(fileno=os.dup(answer.raw.fileno()))) as line:
                    if answer.status_code != 200:
                        raise _refusal(f"pull {name}", answer)
                    stop.on_request(lambda: _hang_up(line))
                    yield from map(json.loads, answer.iter_lines())
        except BackendError as error:
            if stop.requested:
                return
            if any(isinstance(cause, ReadTimeoutError) for cause in _causes(error)):
                raise EngineSilence(f"nothing came for {silence_seconds:g} s") from error
            raise

    # Commands in a container that runs

    def execute(self, container: str, command: Iterable[str], seconds: float) -> tuple[int | None, bytes]:
        """Run a command in a container; its exit code, None if it runs on after this time, and what it printed.

        Raises EngineRefusal, 409 or 404, if the container has ended. No more than 64 KiB of the output are kept.
        """
        with self._words("run a command in a container", within=None) as client:
            identifier = client.exec_create(container, list(command))["Id"]
            answer = client.post(
                f"{client.base_url}/v{client.api_version}/exec/{identifier}/start",
                json={"Detach": False, "Tty": False},
                timeout=(CONNECT_SECONDS, seconds),
                stream=True,
            )
            with answer:
                if answer.status_code != 200:
                    raise _refusal("run a command in a container", answer)
                printed = _read_frames(answer, time.monotonic() + seconds)
            found = client.exec_inspect(identifier)
        return (None if found["Running"] else found["ExitCode"]), printed

    # The connection

    @contextmanager
    def _words(
        self, what: str, *, tolerated: tuple[int, ...] = (), within: float | None = _FOR_WORK
    ) -> Iterator[docker.APIClient]:
        """A client for the block, whose errors become ours, in words, or nothing if their status is tolerated.

        It waits so many patiences for each answer, less if the engine is lost. None is for a block that waits for
        something else than the engine, as long as it likes: then silence is no sign.
        """
        try:
            client = self._borrow()
            patiences = _FOR_WORK if within is None else within
            if self._lost_since is not None:
                patiences = min(patiences, _FOR_THE_LOST)
            client.timeout = (CONNECT_SECONDS, patiences * self.patience_seconds)  # type: ignore[assignment] # requests takes pairs
            try:
                yield client
            finally:
                self._idle.put(client)
            self._lost_since = None
        except APIError as error:
            self._lost_since = None
            if error.status_code not in tolerated:
                reason = " ".join(str(error.explanation or error).split())
                message = f"the container engine would not {what}: {reason}"
                raise EngineRefusal(message, error.status_code or 0, reason) from error
        except requests.exceptions.Timeout as error:
            words = f"the container engine at {self.base_url} took too long to {what}"
            raise self._lost(words, is_a_sign=within is not None) from error
        except (requests.exceptions.RequestException, DockerException, OSError) as error:
            ran_out = within is None and any(isinstance(cause, ReadTimeoutError) for cause in _causes(error))
            raise self._lost(_no_engine(self.base_url, error), is_a_sign=not ran_out) from error

    def _lost(self, words: str, *, is_a_sign: bool) -> BackendError:
        """The error of an engine that doesn't answer. One that never has can't be expected to come back."""
        if self._version is None or not is_a_sign:
            return BackendError(words)
        self._lost_since = self._lost_since or time.monotonic()
        return EngineLost(words)

    def _borrow(self) -> docker.APIClient:
        _check_socket(self.base_url)
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        if self._version is None:
            with closing(self._client(".".join(map(str, OLDEST_API)))) as client:
                self._require_version(client.version(api_version=False)["ApiVersion"])
        return self._client(self._version)

    def _client(self, version: str | None) -> docker.APIClient:
        """A new client that speaks this version. To make it asks the engine nothing."""
        try:
            tls = _tls(self._certificates) if self._certificates else False
            client = docker.APIClient(base_url=self.base_url, version=version, timeout=CONNECT_SECONDS, tls=tls)
            client.trust_env = False  # neither proxies nor authorities of the environment, nor look-ups for them
        except TLSParameterError as error:
            raise BackendError(f"the certificates in {self._certificates} can't be used: {error.msg}") from error
        except (InvalidConfigFile, ValueError) as error:
            raise BackendError(_BROKEN_LOGINS) from error
        return client

    def _require_version(self, version: str) -> None:
        if tuple(map(int, version.split("."))) < OLDEST_API:
            raise BackendError(
                f"the container engine at {self.base_url} speaks API {version}; at least {_NEEDED} is needed"
            )
        self._version = version


def _check_socket(base_url: str) -> None:
    """Raises OSError if nobody listens on a unix socket: docker-py would, too, but leave its own end open."""
    if base_url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CONNECT_SECONDS)
            probe.connect(base_url.removeprefix("unix://"))


def _check_listener(base_url: str, seconds: float) -> None:
    """Raises OSError unless the engine takes a new connection, and a unix socket's an answer within this time."""
    kind, _, place = base_url.partition("://")
    if kind != "unix":
        address = urlsplit(base_url)
        socket.create_connection((address.hostname or "", address.port or 2375), CONNECT_SECONDS).close()
        return
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(seconds)
        line.connect(place)
        line.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        if not line.recv(1):
            raise ConnectionResetError


def _tls(certificates: Certificates) -> TLSConfig:
    """The library's form. Without a check of the engine's certificate only what we show is of use."""
    pair = (str(certificates.certificate), str(certificates.key)) if certificates.certificate.exists() else None
    if not certificates.verify:
        disable_warnings(InsecureRequestWarning)  # somebody chose this: once a request is too often to hear of it
        return TLSConfig(client_cert=pair, verify=False)
    authority = str(certificates.authority) if certificates.authority.exists() else None
    return TLSConfig(client_cert=pair, ca_cert=authority, verify=True)


def _close_all(idle: "queue.LifoQueue[docker.APIClient]") -> None:
    while not idle.empty():
        idle.get().close()


def _no_engine(base_url: str, error: BaseException) -> str:
    """What to tell somebody whose engine can't be reached."""
    if any(isinstance(cause, PermissionError) for cause in _causes(error)):
        return (
            f"no permission to use the container engine at {base_url} (join its group: sudo usermod -aG docker $USER)"
        )
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            why = (cause.reason or str(cause)).lower().replace("_", " ")
            return f"the container engine at {base_url} can't be spoken to by TLS: {why} (see DOCKER_CERT_PATH)"
    return f"no container engine answers at {base_url} (is Docker running? start it, or set DOCKER_HOST)"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from; requests hides some causes among the arguments."""
    yield error
    for cause in (error.__cause__, error.__context__, *error.args):
        if isinstance(cause, BaseException) and cause is not error:
            yield from _causes(cause)


def _refusal(what: str, answer: requests.Response) -> EngineRefusal:
    """The error for an answer that is a no."""
    try:
        reason = " ".join(str(answer.json()["message"]).split())
    except (ValueError, KeyError, TypeError):
        reason = answer.reason
    return EngineRefusal(f"the container engine would not {what}: {reason}", answer.status_code, reason)


def _hang_up(line: socket.socket) -> None:
    """End the conversation from another thread: whoever reads from it sees it broken off."""
    with suppress(OSError):  # it has ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _taken_from(answer: requests.Response) -> socket.socket:
    """The connection of an answer, for us alone: with TLS, a copy of its number would read what is encrypted."""
    connection: Any = answer.raw.connection
    taken: socket.socket = connection.sock
    connection.sock = None
    return taken


def _read_frames(answer: requests.Response, deadline: float) -> bytes:
    """What comes until the answer or the time ends, without the engine's headers; 64 KiB at most."""
    held = bytearray()
    with suppress(ReadTimeoutError):
        while len(held) < 64 * 1024 and time.monotonic() < deadline and (data := answer.raw.read1(4096)):
            held += data
    printed = bytearray()
    while len(held) >= _FRAME.size:
        end = _FRAME.size + _FRAME.unpack_from(held)[0]
        printed += held[_FRAME.size : end]
        del held[:end]
    return bytes(printed)
