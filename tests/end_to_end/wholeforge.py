"""A whole forge on one port: it serves git over http to who has a token, and takes commit statuses."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.runner.source.gitserver import _Door
from tests.worker.statuses.fakeforge import FakeForge, _Request, running


class WholeForge(FakeForge):
    """The forge. Its repositories are bare ones below `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__(handler=_WholeRequest)
        self.root = root
        self.cloned_by: list[str] = []


class _WholeRequest(_Request, _Door):
    server: WholeForge  # type: ignore[assignment] # of both

    def do_GET(self) -> None:  # noqa: N802 -- http.server calls it so
        self._git()

    def do_POST(self) -> None:  # noqa: N802
        if self.path.startswith(("/api/", "/2.0/")):
            super().do_POST()
        else:
            self._git()

    def _git(self) -> None:
        shown = self.headers.get("authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(shown).decode().partition(":")
        if password == self.server.token:
            self.server.cloned_by.append(user)
            self._backend()
        else:
            self.send_response(401)
            self.send_header("www-authenticate", 'Basic realm="git"')
            self.send_header("content-length", "0")
            self.end_headers()


@contextmanager
def whole_forge(root: Path) -> Iterator[WholeForge]:
    """A forge within the block."""
    with running(WholeForge(root)) as forge:
        yield forge
