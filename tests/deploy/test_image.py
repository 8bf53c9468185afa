"""The Dockerfile, built and run for real on a base that needs no registry."""

from pathlib import Path

import pytest
from docker import DockerClient

from tests.deploy.conftest import PACKAGES, ROOT

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


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
