"""A private image: the login that the service keeps opens its registry to the worker, and shows nowhere."""

import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.end_to_end.test_canary import Eavesdropper
from tests.private_redis import PrivateRedis
from tests.runner.engine.registries import guarded_image
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]

PASSWORD = "canary-5f1d-pull"
WORKFLOW = """
steps:
  greet:
    image: {image}
    pull: true
    commands: [env, "echo hello"]
"""


def set_login(service: Service, registry: str, *scope: str) -> None:
    command = headrace_command("registry", "set", registry, "--user", "me", *scope, "--data", str(service.data))
    done = subprocess.run(command, input=PASSWORD, check=True, capture_output=True, text=True)
    assert PASSWORD not in done.stdout + done.stderr


def test_image_is_pulled_with_the_login_that_is_kept_for_its_registry(
    halves: Service, tmp_path: Path, redis: PrivateRedis, busybox: str
) -> None:
    origin = Origin(tmp_path)
    for name in ("registry", "docker"):
        (tmp_path / name).mkdir()
    with guarded_image(tmp_path / "registry", tmp_path / "docker", busybox, ("me", PASSWORD)) as image:
        registry = image.partition("/")[0]
        halves.server()
        halves.worker()
        halves.add_repository(origin)
        run = halves.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=image))
        assert run["status"] == "error", "nobody gets in without a login"
        set_login(halves, registry, "--owner", "acme")
        with Eavesdropper(redis) as eavesdropper:
            run = halves.workflow_run(origin, more="1")
        assert run["status"] == "success", run
        assert PASSWORD not in "\n".join(eavesdropper.heard)
        for file in (path for path in halves.directory.rglob("*") if path.is_file()):
            assert PASSWORD.encode() not in file.read_bytes(), file
