"""Connection: one container engine, reached for one call at a time, with every error in words.

DESIGN. Only this file knows `docker`. A client serves one call at a time (a requests session isn't safe to share),
so each call borrows one from a pool that grows as needed; none crosses a fork. Every call either answers or raises
BackendError: EngineRefusal if the engine said no, EngineLost if one that has answered before doesn't any more. Since
when that is so is known to all who ask, so that together they wait no longer than one would. The API is spoken in the
engine's own version, asked for once; 1.41 and newer are supported.
"""

import logging
import queue
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException, InvalidConfigFile, TLSParameterError
from docker.tls import TLSConfig
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from runner.engine.address import Certificates, ssh_address
from runner.engine.refusals import EngineLost, EngineRefusal
from runner.engine.troubles import is_silence, never_answered, no_engine
from runner.engine.tunnel import Tunnel
from runner.engine.unixline import UnixLine
from runner.errors import BackendError

CONNECT_SECONDS = 5
_TELLING_SECONDS = 5.0
DEFAULT_PATIENCE_SECONDS = 60.0
FOR_WORK, FOR_NEWS, _FOR_THE_LOST = 2, 0.5, 0.25  # what an answer may take, in patiences
OLDEST_API = (1, 41)
_NEEDED = "1.41 (Docker 20.10, Podman 4)"
_MAY_BE_STARTING = "the container engine at %s takes connections and doesn't answer yet: waiting up to %g s for it"
_BROKEN_LOGINS = "the logins in Docker's config.json can't be read: mend `auths` there, or type docker login"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Lent:
    """A client, and the address it was made for."""

    url: str
    client: docker.APIClient


class Connection:
    """The way to one engine at an address such as `unix:///var/run/docker.sock`, `tcp://host:2375` or `ssh://host`.

    Any thread may use it. Make it after a fork, not before. With `certificates` a tcp:// engine is spoken to by TLS.
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
        address = ssh_address(base_url)
        self._tunnel = Tunnel(address) if address else None
        self._idle: queue.LifoQueue[_Lent] = queue.LifoQueue()
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that are idle. The engine can be used again."""
        _close_all(self._idle)
        if self._tunnel is not None:
            self._tunnel.close()

    @property
    def lost_seconds(self) -> float:
        """For how long the engine hasn't answered; 0 if it does."""
        return 0.0 if self._lost_since is None else time.monotonic() - self._lost_since

    def greet(self) -> None:
        """Raise EngineLost if nobody accepts new connections: an engine that is to end does so no more.

        An engine whose socket systemd holds is silent instead, until the next one has started.
        """
        with self.call("accept a connection"):
            _check_listener(self._tunnel.open() if self._tunnel else self.base_url, self.patience_seconds)

    @contextmanager
    def call(
        self, what: str, *, tolerated: tuple[int, ...] = (), within: float | None = FOR_WORK
    ) -> Iterator[docker.APIClient]:
        """A client for the block, whose errors become ours, in words, or nothing if their status is tolerated.

        `what` is what the engine is asked to do: "start a container". The client waits so many patiences for each
        answer, less if the engine is lost. None is for a block that waits for something else than the engine, as long
        as it likes: then silence is no sign.
        """
        try:
            with self._lent() as client:
                client.timeout = (CONNECT_SECONDS, self._answer_seconds(within))  # type: ignore[assignment] # requests takes pairs
                yield client
            self._lost_since = None
        except APIError as error:
            self._lost_since = None
            if error.status_code not in tolerated:
                reason = " ".join(str(error.explanation or error).split())
                raise _refusal(what, error.status_code or 0, reason) from error
        except requests.exceptions.Timeout as error:
            words = f"the container engine at {self.base_url} took too long to {what}"
            raise self._lost(words, is_a_sign=within is not None) from error
        except (requests.exceptions.RequestException, DockerException, OSError) as error:
            says = self._tunnel.last_words() if self._tunnel else ""
            is_a_sign = within is not None or not is_silence(error)
            raise self._lost(no_engine(self.base_url, error, says), is_a_sign=is_a_sign) from error

    @contextmanager
    def answer(
        self,
        what: str,
        method: str,
        path: str,
        *,
        within: float | None = FOR_WORK,
        silence_seconds: float | None = None,
        **request: Any,
    ) -> Iterator[requests.Response]:
        """The answer to a request of our own, its body still to be read, where the library's calls don't serve.

        `within` is as for `call`; where it is None, `silence_seconds` bounds how long nothing may come. `request` is as
        `requests` takes it. Raises EngineRefusal for any status from 300 on.
        """
        with self.call(what, within=within) as client:
            url = f"{client.base_url}/v{client.api_version}{path}"
            timeout = client.timeout if within is not None else (CONNECT_SECONDS, silence_seconds)
            with client.request(method, url, timeout=timeout, stream=True, **request) as answer:
                if answer.status_code >= 300:
                    raise _refusal(what, answer.status_code, _reason(answer))
                yield answer

    def _answer_seconds(self, within: float | None) -> float:
        patiences = FOR_WORK if within is None else within
        return self.patience_seconds * (patiences if self._lost_since is None else min(patiences, _FOR_THE_LOST))

    def _lost(self, words: str, *, is_a_sign: bool) -> BackendError:
        """The error of an engine that doesn't answer. One that never has can't be expected to come back."""
        if self._version is None or not is_a_sign:
            return BackendError(words)
        self._lost_since = self._lost_since or time.monotonic()
        return EngineLost(words)

    @contextmanager
    def _lent(self) -> Iterator[docker.APIClient]:
        """A client for the block. One in which anything went wrong isn't used again: who knows what still comes."""
        lent = self._borrow()
        try:
            yield lent.client
        except BaseException:
            lent.client.close()
            raise
        self._idle.put(lent)

    def _borrow(self) -> "_Lent":
        url = self._tunnel.open() if self._tunnel else self.base_url
        while not self._idle.empty():
            with suppress(queue.Empty):  # another thread was quicker
                lent = self._idle.get_nowait()
                if lent.url == url:
                    return lent
                lent.client.close()  # it leads through a tunnel that has ended
        if self._version is None:
            self._require_version(self._ask_version(url))
        return _Lent(url, self._client(url, self._version))

    def _ask_version(self, url: str) -> str:
        """The version of the engine's API. One whose socket systemd holds may only be starting: that is told of."""
        with closing(self._client(url, ".".join(map(str, OLDEST_API)))) as client:
            try:
                return self._version_within(client, min(_TELLING_SECONDS, self.patience_seconds))
            except requests.exceptions.ReadTimeout:
                log.warning(_MAY_BE_STARTING, self.base_url, self.patience_seconds)
            try:
                return self._version_within(client, self.patience_seconds)
            except requests.exceptions.ReadTimeout as error:
                raise BackendError(never_answered(self.base_url, self.patience_seconds)) from error

    def _version_within(self, client: docker.APIClient, seconds: float) -> str:
        client.timeout = (CONNECT_SECONDS, seconds)  # type: ignore[assignment] # requests takes pairs
        # For the answer to a question after its version, an engine runs two other programs, to tell theirs.
        ping = client.get(f"{client.base_url}/_ping", timeout=client.timeout)
        return ping.headers.get("Api-Version") or str(client.version(api_version=False)["ApiVersion"])

    def _client(self, url: str, version: str | None) -> docker.APIClient:
        """A new client that speaks this version. To make it asks the engine nothing."""
        try:
            tls = _tls(self._certificates) if self._certificates else False
            client = docker.APIClient(base_url=url, version=version, timeout=CONNECT_SECONDS, tls=tls)
            client.trust_env = False  # neither proxies nor authorities of the environment, nor look-ups for them
            if url.startswith("unix://"):
                client.mount("http+docker://", UnixLine(url.removeprefix("unix://")))
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


def _close_all(idle: "queue.LifoQueue[_Lent]") -> None:
    while not idle.empty():
        idle.get().client.close()


def _refusal(what: str, status: int, reason: str) -> EngineRefusal:
    return EngineRefusal(f"the container engine would not {what}: {reason}", status, reason)


def _reason(answer: requests.Response) -> str:
    """What a refusing answer says, in one line."""
    try:
        return " ".join(str(answer.json()["message"]).split())
    except (ValueError, KeyError, TypeError):
        return answer.reason
