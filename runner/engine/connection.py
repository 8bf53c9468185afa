"""Connection: one container engine, reached for one call at a time, with every error in words.

DESIGN. Only this file knows `docker`. A client serves one call at a time (a requests session isn't safe to share),
so each call borrows one from a pool that grows as needed; none crosses a fork. Every call either answers or raises
BackendError: EngineRefusal if the engine said no, else the engine is gone or hangs. The API is spoken in the engine's
own version, asked for once; 1.41 and newer are supported.
"""

import queue
import socket
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, InvalidConfigFile, TLSParameterError
from docker.tls import TLSConfig
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from runner.engine.address import Certificates, ssh_address
from runner.engine.refusals import EngineRefusal
from runner.engine.troubles import no_engine
from runner.engine.tunnel import Tunnel
from runner.errors import BackendError

CONNECT_SECONDS, ANSWER_SECONDS = 5, 120
OLDEST_API = (1, 41)
_NEEDED = "1.41 (Docker 20.10, Podman 4)"
_BROKEN_LOGINS = "the logins in Docker's config.json can't be read: mend `auths` there, or type docker login"


@dataclass(frozen=True, slots=True)
class _Lent:
    """A client, and the address it was made for."""

    url: str
    client: docker.APIClient


class Connection:
    """The way to one engine at an address such as `unix:///var/run/docker.sock`, `tcp://host:2375` or `ssh://host`.

    Any thread may use it. Make it after a fork, not before. With `certificates` a tcp:// engine is spoken to by TLS.
    """

    def __init__(self, base_url: str, certificates: Certificates | None = None) -> None:
        self.base_url = base_url
        self._certificates = certificates
        self._version: str | None = None
        address = ssh_address(base_url)
        self._tunnel = Tunnel(address) if address else None
        self._idle: queue.LifoQueue[_Lent] = queue.LifoQueue()
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that are idle. The engine can be used again."""
        _close_all(self._idle)
        if self._tunnel is not None:
            self._tunnel.close()

    @contextmanager
    def call(self, what: str, *, tolerated: tuple[int, ...] = ()) -> Iterator[docker.APIClient]:
        """A client for the block, whose errors become ours, in words, or nothing if their status is tolerated.

        `what` is what the engine is asked to do: "start a container".
        """
        try:
            lent = self._borrow()
            try:
                yield lent.client
            finally:
                self._idle.put(lent)
        except APIError as error:
            if error.status_code not in tolerated:
                reason = " ".join(str(error.explanation or error).split())
                raise _refusal(what, error.status_code or 0, reason) from error
        except requests.exceptions.Timeout as error:
            raise BackendError(f"the container engine at {self.base_url} took too long to {what}") from error
        except (requests.exceptions.RequestException, DockerException, OSError) as error:
            says = self._tunnel.last_words() if self._tunnel else ""
            raise BackendError(no_engine(self.base_url, error, says)) from error

    @contextmanager
    def answer(
        self, what: str, method: str, path: str, *, silence_seconds: float | None = ANSWER_SECONDS, **request: Any
    ) -> Iterator[requests.Response]:
        """The answer to a request of our own, its body still to be read, where the library's calls don't serve.

        `request` is as `requests` takes it. Raises EngineRefusal for any status from 300 on.
        """
        with self.call(what) as client:
            url = f"{client.base_url}/v{client.api_version}{path}"
            timeout = (CONNECT_SECONDS, silence_seconds)
            with client.request(method, url, timeout=timeout, stream=True, **request) as answer:
                if answer.status_code >= 300:
                    raise _refusal(what, answer.status_code, _reason(answer))
                yield answer

    def _borrow(self) -> "_Lent":
        url = self._tunnel.open() if self._tunnel else self.base_url
        while not self._idle.empty():
            with suppress(queue.Empty):  # another thread was quicker
                lent = self._idle.get_nowait()
                if lent.url == url:
                    return lent
                lent.client.close()  # it leads through a tunnel that has ended
        _check_socket(url)
        if self._version is None:
            with closing(self._client(url, ".".join(map(str, OLDEST_API)))) as client:
                self._require_version(client.version(api_version=False)["ApiVersion"])
        return _Lent(url, self._client(url, self._version))

    def _client(self, url: str, version: str | None) -> docker.APIClient:
        """A new client that speaks this version. To make it asks the engine nothing."""
        try:
            tls = _tls(self._certificates) if self._certificates else False
            client = docker.APIClient(base_url=url, version=version, timeout=CONNECT_SECONDS, tls=tls)
            client.trust_env = False  # neither proxies nor authorities of the environment, nor look-ups for them
            client.timeout = (CONNECT_SECONDS, ANSWER_SECONDS)  # type: ignore[assignment] # requests takes pairs
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
