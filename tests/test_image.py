"""The Dockerfile and compose.yaml: built and run for real, on a base that needs no registry.

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
from typing import Any

import docker
import pytest
import yaml
from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

ROOT = Path(__file__).parents[1]
USUAL_BASE = "python:3.13-slim"
MAKE_BASE = ("debootstrap", "--variant=minbase", "--include=python3,python3-venv,git,ca-certificates", "trixie")
PACKAGES = ("pipelines", "runner", "worker")
CONTEXT = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE", "requirements", *PACKAGES)
REGISTRY_PATIENCE_SECONDS = 10
CERTIFICATES = "/etc/ssl/certs"

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(scope="module")
def base(client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with Python, venv and git."""
    kept = "headrace/test-base:" + hashlib.sha256(" ".join(MAKE_BASE).encode()).hexdigest()[:12]
    if client.images.list(name=kept):
        return kept
    if registry_gives(USUAL_BASE):
        return USUAL_BASE
    make_base(client, kept, tmp_path_factory.mktemp("base"))
    return kept


def registry_gives(image: str) -> bool:
    client = docker.from_env(timeout=REGISTRY_PATIENCE_SECONDS)
    try:
        client.images.pull(image)
    except (DockerException, RequestException):
        return False
    finally:
        client.close()
    return True


def make_base(client: DockerClient, name: str, directory: Path) -> None:
    root = directory / "root"
    assert shutil.which("debootstrap"), f"no registry gives {USUAL_BASE} and debootstrap is not installed"
    subprocess.run([*MAKE_BASE, str(root)], check=True, stdout=subprocess.DEVNULL)
    with (directory / "root.tar").open("w+b") as archive:
        subprocess.run(["tar", "-C", str(root), "-c", "."], check=True, stdout=archive)
        archive.seek(0)
        client.api.import_image_from_file(archive.name, repository=name)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the Dockerfile takes, so that nobody's work under way changes it during the tests."""
    context = tmp_path_factory.mktemp("context")
    for name in CONTEXT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, context / name)
    return context


@pytest.fixture(scope="module")
def image(client: DockerClient, base: str, context: Path) -> Iterator[str]:
    """The image that the Dockerfile makes on this base without a network."""
    fetch_wheels(client, base, context)
    built, _ = client.images.build(
        path=str(context), buildargs={"BASE": base}, network_mode="none", rm=True, forcerm=True
    )
    assert built.id
    yield built.id
    client.images.remove(built.id)
    for stage in client.images.list(filters={"dangling": True, "label": "headrace.stage=build"}):
        client.images.remove(str(stage.id))


def fetch_wheels(client: DockerClient, base: str, context: Path) -> None:
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
        volumes={str(context): {"bind": "/context"}, CERTIFICATES: {"bind": CERTIFICATES, "mode": "ro"}},
    )


def run(client: DockerClient, image: str, *command: str, entrypoint: str | None = None) -> str:
    output: bytes = client.containers.run(image, list(command), entrypoint=entrypoint, network_mode="none", remove=True)
    return output.decode().strip()


def test_image_runs_headrace(client: DockerClient, image: str) -> None:
    version = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version"))
    assert version.split('"')[1] in run(client, image, "--version")


def test_image_is_not_run_by_root(client: DockerClient, image: str) -> None:
    assert run(client, image, "-u", entrypoint="id") == "10001"


def test_user_of_the_image_owns_the_data_directory(client: DockerClient, image: str) -> None:
    """A named volume takes over the owner of the directory it is first mounted on."""
    assert run(client, image, "-c", "%u %n", "/var/lib/headrace", entrypoint="stat") == "10001 /var/lib/headrace"


def test_image_has_git(client: DockerClient, image: str) -> None:
    assert run(client, image, "--version", entrypoint="git").startswith("git version")


def test_image_has_the_files_that_are_not_python(client: DockerClient, image: str, context: Path) -> None:
    """Templates, static files and the sandbox's programs must be in the wheel, or only a checkout would work."""
    installed = run(client, image, "/opt/headrace/lib", "-type", "f", entrypoint="find").splitlines()
    assert ours(context) - {path.partition("/site-packages/")[2] for path in installed} == set()


def ours(context: Path) -> set[str]:
    files = (path for package in PACKAGES for path in (context / package).rglob("*") if path.is_file())
    return {str(path.relative_to(context)) for path in files if "__pycache__" not in path.parts}


def test_image_looks_after_its_health(client: DockerClient, image: str) -> None:
    check = client.images.get(image).attrs["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    assert "/healthz" in check[-1]


Compose = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def compose() -> Compose:
    """compose.yaml as compose reads it; its own program need not be here."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())  # type: ignore[no-any-return]


def test_compose_has_the_three_parts(compose: Compose) -> None:
    assert compose["services"].keys() == {"redis", "server", "worker"}


def test_compose_publishes_only_on_loopback(compose: Compose) -> None:
    """Whoever wants the world to reach it puts a proxy with TLS in front, and says so."""
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_compose_gives_the_engine_to_the_worker_alone(compose: Compose) -> None:
    holders = [name for name, service in compose["services"].items() if "docker.sock" in str(service.get("volumes"))]
    assert holders == ["worker"]
    assert compose["services"]["worker"]["group_add"]


def test_compose_redis_never_evicts_and_survives_a_restart(compose: Compose) -> None:
    command = str(compose["services"]["redis"]["command"])
    assert "'noeviction'" in command
    assert "'--appendonly', 'yes'" in command
