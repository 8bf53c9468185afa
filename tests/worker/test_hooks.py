"""The hook over a real socket: what is answered, what is stored, and what happens when things go wrong."""

import json
import socket
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import Service, serving
from tests.worker.forges.saying import named_event
from tests.worker.forges.sending import SEND, Sent, payload
from worker.forges.git import post_receive
from worker.store import database
from worker.store.repositories import StoredRepository
from worker.store.tables import deliveries, repositories, runs, tasks

ALL = pytest.mark.parametrize("forge", list(SEND))
MEBIBYTE = 1024 * 1024


def path_of(repository: StoredRepository) -> str:
    return f"/hooks/{repository.forge}/{repository.full_name}"


def post(service: Service, repository: StoredRepository, sent: Sent) -> httpx.Response:
    return service.client.post(path_of(repository), content=sent.body, headers=sent.headers)


def push(repository: StoredRepository, *, key: str = "k1") -> Sent:
    return SEND[repository.forge](payload(repository.forge, "push"), repository.secret, key=key)


def changed_push(repository: StoredRepository, *, key: str) -> Sent:
    values = json.loads(payload(repository.forge, "push"))
    values["pushed"] = key
    return SEND[repository.forge](json.dumps(values).encode(), repository.secret, key=key)


@ALL
def test_push_is_answered_202_with_its_run_which_then_is_stored(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    answer = post(service, repository, push(repository))
    assert answer.status_code == 202
    body = answer.json()
    assert body["url"] == f"{service.url}/acme/web/runs/1"
    assert body["runs"] == [{"id": body["run"], "number": 1, "url": body["url"]}]
    assert service.client.get(f"/api/runs/{body['run']}").json()["event"]["sha"] == "b" * 40
    with service.database.read() as connection:
        assert connection.execute(select(tasks.c.run_id)).scalars().all() == [body["run"]]
    assert service.announced.is_set(), "the dispatcher hears of it at once"


@ALL
def test_wrong_signature_is_answered_401_and_starts_nothing(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    wrong = SEND[forge](payload(forge, "push"), "another secret")
    for sent in (wrong, replace(wrong, headers={})):
        answer = post(service, repository, sent)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "check the secret" in answer.json()["detail"] or "webhook-timestamp" in answer.json()["detail"]
    assert service.count("runs") == 0


@ALL
def test_deletion_is_answered_200_and_starts_nothing(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    name = "tag_deleted"  # the one that all tell of by a push
    answer = post(service, repository, SEND[forge](payload(forge, name), repository.secret, **named_event(forge, name)))
    assert (answer.status_code, answer.json()) == (200, {"ignored": "refs/tags/v0.9 was deleted"})
    assert service.count("runs") == 0


@ALL
def test_payload_that_makes_no_sense_is_answered_400(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    for body in (b"[]", b'{"repository": 5, "project": 5, "ref": 5}', b"{"):
        answer = post(service, repository, SEND[forge](body, repository.secret))
        assert answer.status_code == 400, answer.text
    assert service.count("runs") == 0


def test_unknown_repository_is_answered_404(service: Service) -> None:
    answer = service.client.post("/hooks/git/acme/nothing", content=b"{}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no repository acme/nothing; see `headrace repo list`"


def test_hook_of_another_forge_is_answered_404(service: Service) -> None:
    repository = service.add_repository(forge="github")
    sent = push(repository)
    for forge in ("gitea", "gitlab", "git", "gogs"):
        answer = service.client.post(f"/hooks/{forge}/acme/web", content=sent.body, headers=sent.headers)
        assert answer.status_code == 404
    assert service.count("runs") == 0


def test_repository_within_groups_has_a_hook(service: Service) -> None:
    repository = service.add_repository(forge="gitlab", owner="acme/mills", name="web")
    answer = post(service, repository, push(repository))
    assert answer.json()["url"] == f"{service.url}/acme/mills/web/runs/1"
    assert service.client.get(answer.json()["url"]).status_code == 200


def test_same_delivery_again_gives_the_same_run(service: Service) -> None:
    repository = service.add_repository(forge="github")
    first = post(service, repository, push(repository))
    again = post(service, repository, push(repository))
    other = post(service, repository, changed_push(repository, key="k2"))
    assert (again.status_code, again.json()) == (202, first.json())
    assert other.json()["runs"][0]["number"] == 2


def test_same_delivery_20_times_at_once_gives_one_run(service: Service) -> None:
    repository = service.add_repository(forge="github")
    sent = push(repository)
    start = threading.Barrier(20)

    def deliver(_: int) -> str:
        with httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client:
            start.wait()
            answer = client.post(path_of(repository), content=sent.body, headers=sent.headers)
        assert answer.status_code == 202
        return str(answer.json()["run"])

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(deliver, range(20)))) == 1
    assert service.count("runs") == service.count("deliveries") == 1


def test_plain_git_push_of_several_refs_gives_a_run_each(service: Service) -> None:
    repository = service.add_repository()
    answer = post(service, repository, SEND["git"](payload("git", "updates"), repository.secret))
    assert [run["number"] for run in answer.json()["runs"]] == [1, 2]


def test_secret_in_a_payload_is_nowhere_in_the_database(service: Service) -> None:
    repository = service.add_repository(forge="gitea")
    assert post(service, repository, SEND["gitea"](payload("gitea", "push_with_secret"), repository.secret)).is_success
    with service.database.read() as connection:
        stored = connection.execute(select(deliveries.c.payload, runs.c.event).join_from(deliveries, runs)).one()
    assert b"swordfish" not in b"".join(stored)


def test_body_that_says_it_is_too_large_is_answered_before_it_is_sent(service: Service) -> None:
    service.add_repository()
    head = f"POST /hooks/git/acme/web HTTP/1.1\r\nHost: x\r\nContent-Length: {26 * MEBIBYTE}\r\n\r\n"
    with service.dial() as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_body_that_grows_too_large_is_answered_413(service: Service) -> None:
    service.add_repository()
    head = "POST /hooks/git/acme/web HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with service.dial() as connection:
        connection.sendall(head.encode())
        for _ in range(25):
            connection.sendall(b"100000\r\n" + b"x" * MEBIBYTE + b"\r\n")
        connection.sendall(b"1\r\nx\r\n")  # one byte over; more would never come
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_body_of_25_mebibytes_is_taken(service: Service) -> None:
    repository = service.add_repository(forge="github")
    values = json.loads(payload("github", "push"))
    values["padding"] = ""
    values["padding"] = "x" * (25 * MEBIBYTE - len(json.dumps(values)))
    body = json.dumps(values).encode()
    assert len(body) == 25 * MEBIBYTE
    assert post(service, repository, SEND["github"](body, repository.secret)).status_code == 202


def test_locked_database_is_answered_503_and_the_delivery_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="github")
        with closing(sqlite3.connect(tmp_path / "headrace.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = post(service, repository, push(repository))
            assert answer.status_code == 503
            assert "database is locked" in answer.json()["detail"]
        assert post(service, repository, push(repository)).status_code == 202


# The post-receive script, run by a real git for a real push


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", str(directory), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    return done.stdout + done.stderr


@pytest.fixture
def pushing(tmp_path: Path) -> Path:
    """A working tree with one commit, and a bare origin beside it."""
    for name, options in (("origin.git", ["--bare"]), ("tree", [])):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "-q", "-b", "main", *options)
    tree = tmp_path / "tree"
    git(tree, "commit", "-q", "--allow-empty", "-m", "Add the wheel")
    git(tree, "remote", "add", "origin", str(tmp_path / "origin.git"))
    return tree


def install(tree: Path, script: str) -> None:
    hook = tree.parent / "origin.git" / "hooks" / "post-receive"
    hook.write_text(script)
    hook.chmod(0o700)


def test_post_receive_script_tells_the_pusher_the_url_of_each_run(service: Service, pushing: Path) -> None:
    repository = service.add_repository()
    install(pushing, post_receive(f"{service.url}{path_of(repository)}", repository.secret))
    git(pushing, "tag", 'v"1"')
    git(pushing, "branch", "naïve-ünïcode")
    said = git(pushing, "push", "origin", "main", "naïve-ünïcode", 'v"1"')
    for number in (1, 2, 3):
        assert f"headrace: {service.url}/acme/web/runs/{number}" in said
    head = git(pushing, "rev-parse", "HEAD").strip()
    events = [run["event"] for run in service.client.get("/api/runs").json()["runs"]]
    assert {event["sha"] for event in events} == {head}
    assert {event["tag"] or event["branch"] for event in events} == {"main", "naïve-ünïcode", 'v"1"'}


def test_post_receive_script_says_why_there_is_no_run(service: Service, pushing: Path) -> None:
    repository = service.add_repository()
    url = f"{service.url}{path_of(repository)}"
    install(pushing, post_receive(url, repository.secret))
    git(pushing, "push", "origin", "main", "main:old")
    assert "headrace: no run: refs/heads/old was deleted" in git(pushing, "push", "origin", ":old")
    install(pushing, post_receive(url, "another"))
    assert "answered 401: the signature in webhook-signature does not verify" in git(
        pushing, "push", "origin", "main:other"
    )


def test_post_receive_script_never_fails_a_push_when_the_server_is_away(pushing: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    install(pushing, post_receive(f"http://127.0.0.1:{port}/hooks/git/acme/web", "secret"))
    said = git(pushing, "push", "origin", "main")
    assert said.count("headrace:") == 1
    assert f"no run: can't reach http://127.0.0.1:{port}" in said
    assert git(pushing, "ls-remote", "origin", "main")


def test_post_receive_script_gives_up_on_a_server_that_says_nothing(pushing: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        install(pushing, post_receive(f"http://127.0.0.1:{silent.getsockname()[1]}/x", "secret"))
        assert "no run: can't reach" in git(pushing, "push", "origin", "main")


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("secret", ["y" * 43, "jjj6\x5c%%", "j7_Ik-W2AAM9M7HlvsWSCWpWVs3UyRyhMTA1-Vng94k", "z" * 64])
def test_post_receive_script_signs_whatever_the_secret_is(
    service: Service, tmp_path: Path, shell: str, secret: str
) -> None:
    """Its pads hold bytes that printf would take for its own: %, \\ and zeros."""
    repository = service.add_repository()
    with service.database.write() as connection:
        connection.execute(update(repositories).values(secret=secret))
    script = tmp_path / "post-receive"
    script.write_text(post_receive(f"{service.url}{path_of(repository)}", secret))
    pushed = f"{'a' * 40} {'b' * 40} refs/heads/main\n"
    done = subprocess.run(
        [shell, str(script)], input=pushed, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )
    assert done.stderr == f"headrace: {service.url}/acme/web/runs/1\n"


def test_post_receive_script_holds_no_secret_in_the_clear() -> None:
    assert "swordfish" not in post_receive("https://ci.example.org/hooks/git/acme/web", "swordfish")
