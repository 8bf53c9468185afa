"""A pull request from a fork that its forge keeps apart, from the delivery to the end of its run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.service import Service
from tests.gitrepo import GitRepository
from tests.runner.source.certificate import Certificate
from tests.runner.source.gitserver import GitServer, git_server
from tests.waiting import PATIENCE_SECONDS
from tests.worker.forges.sending import bitbucket, payload

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = "steps: {{greet: {{image: {image}, commands: cat oil}}}}\n"
PASSWORD = "canary-s3cret"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "forge") as server:
        server.show(Certificate(tmp_path / "certificate.pem"))
        server.password = PASSWORD
        yield server


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "service").mkdir()
    service = Service(tmp_path / "service", environment={"GIT_SSL_CAINFO": str(tmp_path / "certificate.pem")})
    yield service
    service.end()


def test_pull_request_from_a_fork_at_bitbucket_runs_once_somebody_has_looked(
    service: Service, forge: GitServer, tmp_path: Path, busybox: str
) -> None:
    hook, secret = connected(service, forge)
    sha = forked(forge, GitRepository(tmp_path / "developer"), busybox)
    delivery = json.loads(payload("bitbucket", "pull_request_fork"))
    delivery["pullrequest"]["source"]["commit"]["hash"] = sha[:12]
    sent = bitbucket(json.dumps(delivery).encode(), secret, event="pullrequest:created")
    answer = httpx.post(hook, content=sent.body, headers=sent.headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 202, answer.text
    run = answer.json()["run"]
    assert service.run(run)["status"] == "blocked"
    headers = service.authorization()
    approved = httpx.post(f"{service.url}/api/runs/{run}/approve", json={}, headers=headers, timeout=PATIENCE_SECONDS)
    assert approved.status_code == 202, approved.text
    ended = service.finished_run(run)
    assert (ended["status"], ended["event"]["sha"]) == ("success", sha), ended
    assert any(path.startswith("/eve/web.git") for path in forge.paths)


def connected(service: Service, forge: GitServer) -> tuple[str, str]:
    """The service, knowing the repository; gives the hook's address and secret."""
    service.up()
    place = ("--forge", "bitbucket", "--clone-url", f"{forge.url}/acme/web.git")
    printed = service.headrace("repo", "add", "acme/web", *place)
    token = service.directory / "token"
    token.write_text(PASSWORD)
    service.headrace("repo", "set", "acme/web", "--clone-user", "ann", "--clone-token-file", str(token))
    url, secret = (re.findall(rf"{what} +(\S+)", printed)[0] for what in ("Hook URL", "Secret"))
    return url, secret


def forked(forge: GitServer, developer: GitRepository, busybox: str) -> str:
    """Publishes the repository, and a fork of it with the branch `oil`; gives the commit there."""
    developer.commit(**{".headrace.yaml": WORKFLOW.format(image=busybox)})
    forge.publish(developer, "acme/web")
    developer.git("checkout", "--quiet", "-b", "oil")
    sha = developer.commit(oil="it turns")
    forge.publish(developer, "eve/web")
    return sha
