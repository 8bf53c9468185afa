"""An image from the Dockerfile, on a base that needs no registry, and the stack of compose.yaml with it.

The base is what the Dockerfile asks for if a registry answers, else a small Debian with Python and git, made once and
kept on the engine. The wheels come through pip in a container of that base, the way docs/install.md shows for machines
without a network; so the build itself must do without one.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from tests.deploy.stack import Stack
from tests.redis_image import made_redis_image

ROOT = Path(__file__).parents[2]
USUAL_BASE = "python:3.13-slim"
USUAL_REDIS = "redis:7-alpine"
PACKAGES = ("pipelines", "runner", "worker")
_DEBIAN = "python3,python3-venv,git,git-lfs,openssh-client,ca-certificates"
_MAKE_BASE = ("debootstrap", "--variant=minbase", f"--include={_DEBIAN}", "trixie")
_CONTEXT = (
    *("Dockerfile", ".dockerignore", "compose.yaml", "pyproject.toml", "README.md", "LICENSE", "requirements"),
    *PACKAGES,
)
_REGISTRY_PATIENCE_SECONDS = 10
_CERTIFICATES = "/etc/ssl/certs"


@pytest.fixture(scope="session")
def client() -> Iterator[DockerClient]:
    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(scope="session")
def base(client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with Python, venv, git and ssh."""
    kept = "headrace/test-base:" + hashlib.sha256(" ".join(_MAKE_BASE).encode()).hexdigest()[:12]
    if client.images.list(name=kept):
        return kept
    if _registry_gives(USUAL_BASE):
        return USUAL_BASE
    _make_base(client, kept, tmp_path_factory.mktemp("base"))
    return kept


def _registry_gives(image: str) -> bool:
    client = docker.from_env(timeout=_REGISTRY_PATIENCE_SECONDS)
    try:
        client.images.pull(image)
    except (DockerException, RequestException):
        return False
    finally:
        client.close()
    return True


def _make_base(client: DockerClient, name: str, directory: Path) -> None:
    root = directory / "root"
    assert shutil.which("debootstrap"), f"no registry gives {USUAL_BASE} and debootstrap is not installed"
    subprocess.run([*_MAKE_BASE, str(root)], check=True, stdout=subprocess.DEVNULL)
    with (directory / "root.tar").open("w+b") as archive:
        subprocess.run(["tar", "-C", str(root), "-c", "."], check=True, stdout=archive)
        archive.seek(0)
        client.api.import_image_from_file(archive.name, repository=name)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def redis_image() -> str:
    """The name of an image with Redis."""
    return USUAL_REDIS if _registry_gives(USUAL_REDIS) else made_redis_image()


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the Dockerfile takes, so that nobody's work under way changes it during the tests."""
    context = tmp_path_factory.mktemp("context")
    for name in _CONTEXT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, context / name)
    return context


@pytest.fixture(scope="session")
def image(client: DockerClient, base: str, context: Path) -> Iterator[str]:
    """The image that the Dockerfile makes on this base, without a network unless the base lacks something."""
    _fetch_wheels(client, base, context)
    network = "default" if base == USUAL_BASE else "none"
    name = f"headrace/test-image:{os.getpid()}"
    client.images.build(
        path=str(context), tag=name, buildargs={"BASE": base}, network_mode=network, rm=True, forcerm=True
    )
    yield name
    client.images.remove(name)
    for stage in client.images.list(filters={"dangling": True, "label": "headrace.stage=build"}):
        client.images.remove(str(stage.id))


def _fetch_wheels(client: DockerClient, base: str, context: Path) -> None:
    """Fill `wheels/`. The container is lent this machine's way to the package index: pip's variables, certificates."""
    fetch = (
        "python3 -m venv /tmp/fetch && /tmp/fetch/bin/pip download --timeout 20 --no-cache-dir"
        " --require-hashes --dest wheels -r requirements/runtime.txt -r requirements/build.txt"
    )
    client.containers.run(
        base,
        ["sh", "-ec", fetch],
        remove=True,
        network_mode="host",
        working_dir="/context",
        environment={key: value for key, value in os.environ.items() if key.startswith("PIP_")},
        volumes={str(context): {"bind": "/context"}, _CERTIFICATES: {"bind": _CERTIFICATES, "mode": "ro"}},
    )


@pytest.fixture(scope="session")
def built(context: Path, image: str, base: str, redis_image: str) -> Iterator[Stack]:
    """The stack of compose.yaml, its image built as a user would have it built; nothing of it runs."""
    assert image  # so that the layers are there, and are removed afterwards
    stack = Stack(context, base=base, redis_image=redis_image)
    stack.compose("build")
    yield stack
    stack.remove_image()


@pytest.fixture
def stack(built: Stack) -> Iterator[Stack]:
    """The stack, up and well; when it has been taken down, nothing may be left of it."""
    try:
        built.compose("up", "--detach")
        yield built.once_well()
        print(built.compose("logs", "--no-color"))  # noqa: T201 -- pytest shows it for tests that fail
    finally:
        built.compose("down", "--volumes")
        built.forget_override()
    assert built.left() == []
