"""Sites that are opened by hand, without the job's steps being run."""

from collections.abc import Iterator

from runner.backend import Ticket
from runner.engine.containers import DockerBackend, DockerSite
from runner.stop import Stop
from tests.runner.world import World


def open_site(containers: World, run: str) -> DockerSite:
    """The site of a job with one step, open."""
    assert isinstance(containers.backend, DockerBackend)
    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run=run, job="build"), empty_tree, Stop())
    site.wait_until_open()
    return site


def empty_tree() -> Iterator[bytes]:
    """A tar stream without members."""
    yield b"\0" * 1024
