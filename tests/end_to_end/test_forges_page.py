"""docs/forges.md, typed as it stands: from nothing to a green check on every forge."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.end_to_end.wholeforge import WholeForge, whole_forge
from tests.gitrepo import GitRepository
from tests.runner.source.sshserver import SshServer, ssh_server_in
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.forges import FORGES

pytestmark = [pytest.mark.docker, pytest.mark.redis]

PAGE = (Path(__file__).parents[2] / "docs/forges.md").read_text()
WORKFLOW = "steps: {{greet: {{image: {image}, commands: echo hello}}}}\n"
SECTIONS = {
    "github": "GitHub",
    "gitlab": "GitLab",
    "gitea": "Gitea",
    "forgejo": "Forgejo",
    "bitbucket": "Bitbucket",
    "git": "A bare repository on this machine",
}
ADDRESSES = (
    *("https://github.com", "https://gitlab.com", "https://bitbucket.org"),
    *("https://gitea.example.org", "https://forgejo.example.org"),
)
GREEN = {"bitbucket": "SUCCESSFUL"}
USERS = {"github": "x-access-token", "bitbucket": "x-token-auth"}


def commands(title: str) -> list[str]:
    """What the page has typed under a heading, block by block."""
    section = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, title
    return re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)


def typed(service: Service, text: str) -> str:
    """What these commands print, typed on the server's machine."""
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(service.directory),
        "HEADRACE_DATA": str(service.data),
        "HEADRACE_URL": service.url,
    }
    done = subprocess.run(
        ["sh", "-euc", text], env=environment, cwd=service.directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_page_leads_from_nothing_for_every_forge_there_is() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert named == set(FORGES) == set(SECTIONS)
    for name, title in SECTIONS.items():
        assert f"--forge {name} " in "".join(commands(title)), title


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "git"])
def test_page_leads_to_a_green_check(service: Service, tmp_path: Path, busybox: str, name: str) -> None:
    developer = GitRepository(tmp_path / "developer")
    bare = tmp_path / "root/acme/web.git"
    developer.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    developer.git("remote", "add", "origin", str(bare))
    with whole_forge(tmp_path / "root") as forge:
        service.up()
        for file in ("status-token", "clone-token"):
            (service.directory / file).write_text(f"{forge.token}\n")
        (block,) = commands(SECTIONS[name])
        for address in ADDRESSES:
            block = block.replace(address, forge.url)
        printed = typed(service, block)
        sha = developer.commit(**{".headrace.yaml": WORKFLOW.format(image=busybox)})
        developer.push()
        answer = deliver(name, printed, sha)
        assert answer.status_code == 202, answer.text
        green = GREEN.get(name, "success")
        for context in ("headrace/push", "headrace/push/headrace"):
            wait_until(lambda each=context: forge.states(each)[-1:] == [green], what=f"{context} is green")  # type: ignore[misc]
        assert {taken.sha for taken in forge.taken} == {sha}
        assert {taken.url for taken in forge.taken} == {answer.json()["url"]}
        assert set(forge.cloned_by) == {USERS.get(name, "oauth2")}


def deliver(name: str, printed: str, sha: str, delivery: str = "1") -> httpx.Response:
    """The push, as this forge would tell of it to the hook that was printed."""
    url, secret = (re.findall(rf"{what} +(\S+)", printed)[0] for what in ("Hook URL", "Secret"))
    body = json.dumps(payload(name, sha)).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "github": {"x-github-event": "push", "x-github-delivery": delivery, "x-hub-signature-256": f"sha256={digest}"},
        "gitlab": {"x-gitlab-event": "Push Hook", "idempotency-key": delivery, "x-gitlab-token": secret},
        "gitea": {"x-gitea-event": "push", "x-gitea-delivery": delivery, "x-gitea-signature": digest},
        "forgejo": {"x-forgejo-event": "push", "x-forgejo-delivery": delivery, "x-forgejo-signature": digest},
        "bitbucket": {"x-event-key": "repo:push", "x-request-uuid": delivery, "x-hub-signature": f"sha256={digest}"},
    }[name]
    return httpx.post(
        url, content=body, headers={"content-type": "application/json", **headers}, timeout=PATIENCE_SECONDS
    )


def payload(name: str, sha: str) -> dict[str, Any]:
    moved = {"ref": "refs/heads/main", "before": "0" * 40, "after": sha}
    if name == "gitlab":
        return {**moved, "project": {"id": 1, "path_with_namespace": "acme/web"}, "commits": []}
    repository = {"full_name": "acme/web"}
    if name == "bitbucket":
        new = {"type": "branch", "name": "main", "target": {"hash": sha}}
        return {"repository": repository, "push": {"changes": [{"new": new, "old": None}]}}
    return {**moved, "repository": {"id": 1, **repository}, "sender": {"login": "ada"}}


def test_page_leads_to_runs_of_a_bare_repository_on_this_machine(
    service: Service, tmp_path: Path, busybox: str
) -> None:
    origin = Origin(tmp_path)
    service.up()
    service.authorization()
    (block,) = commands("A bare repository on this machine")
    typed(service, block.replace("/srv/git/web.git", str(origin.path)))
    run = service.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=busybox))
    assert run["status"] == "success", run


def test_page_leads_to_runs_of_a_bare_repository_behind_ssh(service: Service, tmp_path: Path, busybox: str) -> None:
    origin = Origin(tmp_path)
    (tmp_path / "sshd").mkdir()
    with ssh_server_in(tmp_path / "sshd") as sshd:
        service.up()
        service.authorization()
        prepare, install = (at(sshd, origin, block) for block in commands("A bare repository behind ssh"))
        printed = typed(service, prepare)
        own = (tmp_path / "sshd/user.pub").read_text()
        sshd.authorize(own + re.findall(r"clone key +(ssh-\S+ \S+)", printed)[0])
        typed(service, install)
        run = service.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=busybox))
        assert run["status"] == "success", run


def at(sshd: SshServer, origin: Origin, block: str) -> str:
    """A block of the page, spoken to the sshd that there is here; an administrator has a key of their own there."""
    _, _, place = sshd.url.partition("://")
    account, _, port = place.rpartition(":")
    options = f"-p {port} -i {sshd.directory}/user -o UserKnownHostsFile=known_hosts -F none -o LogLevel=ERROR"
    found = block.replace("ssh://git@git.example.org/srv/git/web.git", f"{sshd.url}{origin.path}")
    found = found.replace("ssh-keyscan git.example.org", f"ssh-keyscan -p {port} 127.0.0.1")
    found = found.replace("ssh git@git.example.org", f"ssh {options} {account}")
    return found.replace("/srv/git/web.git", str(origin.path))


def test_forge_of_the_page_lets_nobody_in_without_a_token(tmp_path: Path) -> None:
    """Else the test above would not show that the clone token gets there."""
    with whole_forge(tmp_path) as forge:
        assert isinstance(forge, WholeForge)
        assert httpx.get(f"{forge.url}/acme/web.git/info/refs?service=git-upload-pack").status_code == 401
