"""Deliveries are kept with what was answered, without secrets, within bounds, and can be delivered again."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from pipelines.event import EventKind
from runner.delivery import read_delivery
from runner.errors import UsageError
from runner.events import EventOptions, WorkingTreeFacts, local_event
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.worker.conftest import Service, serving
from tests.worker.forges.saying import ALL, named_event
from tests.worker.forges.sending import FORM, SEND, Sent, form, gitlab_signed, payload
from worker import app, hooks, intake
from worker.access.rates import Rate
from worker.commands import deliveries as command
from worker.store import deliveries
from worker.store.repositories import StoredRepository

FACTS = WorkingTreeFacts(sha="c" * 40, branch="work", message="Mine", changed_files=("mine",))


def post(service: Service, repository: StoredRepository, sent: Sent) -> httpx.Response:
    path = f"/hooks/{repository.forge}/{repository.full_name}"
    return service.client.post(path, content=sent.body, headers=sent.headers)


def push(repository: StoredRepository, *, key: str = "k1", secret: str = "", name: str = "push") -> Sent:
    forge = repository.forge
    return SEND[forge](payload(forge, name), secret or repository.secret, key=key, **named_event(forge, name))


def listed(service: Service, **parameters: int) -> list[dict[str, Any]]:
    answer = service.client.get("/api/repositories/acme/web/deliveries", params=parameters)
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


def shown(service: Service, number: int) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get(f"/api/repositories/acme/web/deliveries/{number}").json()
    return found


def redeliver(service: Service, number: int) -> httpx.Response:
    return service.client.post(f"/api/repositories/acme/web/deliveries/{number}/redeliver", json={})


# What is kept


@ALL
def test_accepted_delivery_is_kept_with_its_runs(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    run = post(service, repository, push(repository)).json()["runs"][0]
    [delivery] = listed(service)
    assert (delivery["verdict"], delivery["status_code"], delivery["key"]) == ("accepted", 202, "k1")
    assert delivery["runs"] == [run]
    assert shown(service, delivery["id"])["body"] == json.loads(payload(forge, "push"))


@ALL
def test_delivery_that_asks_for_no_run_is_kept_with_the_reason(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    post(service, repository, push(repository, name="tag_deleted"))
    [delivery] = listed(service)
    assert (delivery["verdict"], delivery["status_code"]) == ("ignored", 200)
    assert delivery["answer"] == "refs/tags/v0.9 was deleted"


@ALL
def test_refused_and_malformed_deliveries_are_kept_with_the_reason(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    post(service, repository, push(repository, secret="another"))
    post(service, repository, SEND[forge](b'{"x": 1', repository.secret))
    malformed, refused = listed(service)
    assert (refused["verdict"], refused["status_code"], refused["runs"]) == ("refused", 401, [])
    assert "does not verify" in refused["answer"] or "the token" in refused["answer"]
    assert (malformed["verdict"], malformed["status_code"]) == ("malformed", 400)
    assert shown(service, malformed["id"])["body"] == '{"x": 1'


@ALL
def test_nothing_that_is_kept_holds_the_secret_or_a_proof(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    sent = push(repository)
    body = json.dumps({**json.loads(sent.body), "secret": "swordfish", "note": f"it is {repository.secret}"}).encode()
    sent = SEND[forge](body, repository.secret, **named_event(forge, "push"))
    assert post(service, repository, replace(sent, headers={**sent.headers, "authorization": "x"})).status_code == 202
    kept = json.dumps(shown(service, listed(service)[0]["id"]))
    proofs = [value for name, value in sent.headers.items() if "signature" in name or "token" in name]
    assert proofs
    for secret in (repository.secret, "swordfish", *proofs):
        assert secret not in kept


def test_flood_of_refused_deliveries_is_bounded_and_pushes_nothing_else_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_KEPT", Rate(per_second=1e6, burst=10_000))
    monkeypatch.setitem(deliveries._MOST_KEPT, "refused", 3)
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="github")
        post(service, repository, push(repository))
        post(service, repository, push(repository, name="tag_deleted", key="k2"))
        huge = Sent(body=b"x" * 1_000_000, headers={"x-hub-signature-256": "sha256=0"})
        for _ in range(8):
            assert post(service, repository, huge).status_code == 401
        found = listed(service)
        assert [each["verdict"] for each in found] == ["refused"] * 3 + ["ignored", "accepted"]
        assert found[0]["size_bytes"] == 1_000_000
        assert len(shown(service, found[0]["id"])["body"]) == deliveries.LARGEST_REFUSED_BYTES


def test_only_some_of_a_flood_of_refused_deliveries_are_written_down(service: Service) -> None:
    repository = service.add_repository(forge="github")
    for _ in range(40):
        post(service, repository, push(repository, secret="another"))
    assert 20 <= len(listed(service)) < 40


def test_list_goes_on_where_it_ended(service: Service) -> None:
    repository = service.add_repository(forge="git")
    for number in range(5):
        post(service, repository, push(repository, key=f"k{number}"))
    seen, before = [], None
    while True:
        parameters = {"limit": 2} | ({"before": before} if before else {})
        answer = service.client.get("/api/repositories/acme/web/deliveries", params=parameters).json()
        seen += [each["key"] for each in answer["deliveries"]]
        before = answer["before"]
        if before is None:
            break
    assert seen == ["k4", "k3", "k2", "k1", "k0"]


def test_delivery_of_another_repository_is_not_found(service: Service) -> None:
    repository = service.add_repository(forge="git")
    service.add_repository(forge="git", name="other")
    post(service, repository, push(repository))
    number = listed(service)[0]["id"]
    assert service.client.get(f"/api/repositories/acme/other/deliveries/{number}").status_code == 404


# Once, and again


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo"])
def test_copy_of_a_delivery_under_another_id_makes_no_second_run(service: Service, forge: str) -> None:
    """Its signature is over the body alone: whoever has seen one could send it again with any id."""
    repository = service.add_repository(forge=forge)
    first = post(service, repository, push(repository))
    copy = post(service, repository, push(repository, key="k2"))
    assert (copy.status_code, copy.json()) == (202, first.json())


@pytest.mark.parametrize("forge", ["gitea", "forgejo"])
def test_copy_of_a_delivery_wrapped_into_a_form_makes_no_second_run(service: Service, forge: str) -> None:
    """The signature is over the JSON alone: whoever has seen it could put it into as many forms as they like."""
    repository = service.add_repository(forge=forge)
    first = post(service, repository, push(repository))
    copy = push(repository, key="k2")
    for wrapped in (form(copy.body), form(copy.body) + b"&more=1"):
        again = post(service, repository, Sent(body=wrapped, headers={**copy.headers, "content-type": FORM}))
        assert (again.status_code, again.json()) == (202, first.json())


def test_signed_delivery_is_refused_when_it_is_old(service: Service) -> None:
    repository = service.add_repository(forge="gitlab")
    old = gitlab_signed(payload("gitlab", "push"), repository.secret, at=int(time.time()) - 301)
    answer = post(service, repository, old)
    assert answer.status_code == 401
    assert "300 s" in answer.json()["detail"]


def test_id_of_a_delivery_that_was_refused_or_ignored_is_not_remembered(service: Service) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository, secret="another"))
    post(service, repository, push(repository, name="tag_deleted"))
    assert post(service, repository, push(repository)).status_code == 202


@ALL
def test_delivery_that_is_delivered_again_makes_a_new_run(service: Service, forge: str) -> None:
    repository = service.add_repository(forge=forge)
    post(service, repository, push(repository))
    [delivery] = listed(service)
    answer = redeliver(service, delivery["id"])
    assert (answer.status_code, answer.json()["runs"][0]["number"]) == (201, 2)
    events = [run["event"] for run in service.client.get("/api/runs").json()["runs"]]
    assert events[0] == events[1]
    assert [run["number"] for run in listed(service)[0]["runs"]] == [1, 2]


def test_delivery_sent_as_a_form_can_be_delivered_again(service: Service) -> None:
    repository = service.add_repository(forge="github")
    sent = SEND["github"](form(payload("github", "push")), repository.secret)
    assert post(service, repository, replace(sent, headers={**sent.headers, "content-type": FORM})).status_code == 202
    assert redeliver(service, listed(service)[0]["id"]).status_code == 201


def test_refused_delivery_is_never_delivered_again(service: Service) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository, secret="another"))
    answer = redeliver(service, listed(service)[0]["id"])
    assert answer.status_code == 409
    assert "nobody has proved that github sent it" in answer.json()["detail"]
    assert service.count("runs") == 0


def test_delivery_that_asks_for_no_run_says_so_again(service: Service) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository, name="tag_deleted"))
    answer = redeliver(service, listed(service)[0]["id"])
    assert answer.status_code == 409
    assert "refs/tags/v0.9 was deleted" in answer.json()["detail"]


# What is taken in at a time


def test_source_whose_deliveries_are_refused_is_told_to_wait_before_its_body_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_REFUSED", Rate(per_second=0.01, burst=3))
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="github")
        other = service.add_repository(forge="github", name="other")
        for _ in range(3):
            assert post(service, repository, push(repository, secret="another")).status_code == 401
        answer = post(service, repository, push(repository))
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 100
        assert post(service, other, push(other)).status_code == 202


def test_repository_has_a_limit_that_only_those_who_know_its_secret_use_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_REPOSITORY", Rate(per_second=0.01, burst=2))
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="git")
        for _ in range(5):
            assert post(service, repository, push(repository, secret="another")).status_code == 401
        answers = [post(service, repository, push(repository, key=f"k{number}")).status_code for number in range(3)]
        assert answers == [202, 202, 429]
        assert "for acme/web" in post(service, repository, push(repository, key="k2")).json()["detail"]


def test_source_that_sends_without_end_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_SOURCE", Rate(per_second=0.01, burst=2))
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="git")
        answers = [post(service, repository, push(repository, key=f"k{number}")).status_code for number in range(3)]
        assert answers == [202, 202, 429]


def test_bodies_that_are_too_much_together_are_answered_503_and_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = intake.Intake()
    monkeypatch.setattr(app, "Intake", lambda: held)
    monkeypatch.setattr(intake, "_LARGEST_HELD_BYTES", 99_010)
    monkeypatch.setattr(hooks, "_PATIENCE_SECONDS", 100)
    with serving(tmp_path) as service:
        repository = service.add_repository(forge="git")
        head = b"POST /hooks/git/acme/web HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"
        with service.dial() as slow:
            slow.sendall(head + b"x" * 99_000)
            wait_until(lambda: held.held_bytes >= 99_000, what="the large body is held")
            assert post(service, repository, push(repository)).status_code == 503
        wait_until(lambda: held.held_bytes == 0, what="its sender has gone")
        assert post(service, repository, push(repository)).status_code == 202


def test_body_that_never_comes_is_answered_before_any_forge_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_PATIENCE_SECONDS", 0.1)
    with serving(tmp_path) as service:
        service.add_repository(forge="git")
        with service.dial() as slow:
            slow.sendall(b"POST /hooks/git/acme/web HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
            answer = HTTPResponse(slow)
            answer.begin()
            assert answer.status == 400
            assert b"did not come within 0.1 s" in answer.read()


def test_crowd_behind_a_locked_database_is_answered_503_and_all_is_taken_later(service: Service) -> None:
    repository = service.add_repository(forge="git")

    def send(number: int) -> int:
        with httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client:
            sent = push(repository, key=f"k{number}")
            path = f"/hooks/git/{repository.full_name}"
            return client.post(path, content=sent.body, headers=sent.headers).status_code

    with ThreadPoolExecutor(20) as pool:
        with service.database.write():
            assert set(pool.map(send, range(20))) == {503}
        assert set(pool.map(send, range(20))) == {202}
    assert service.count("runs") == service.count("deliveries") == 20


# On the command line


WAYS = pytest.mark.parametrize("way", ["over the network", "on the machine"])


def headrace(service: Service, *arguments: str, way: str = "over the network") -> str:
    over_the_network = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    on_the_machine = {"HEADRACE_TOKEN": "", "HEADRACE_SERVER": "", **service.settings.as_environment()}
    environment = over_the_network if way == "over the network" else on_the_machine
    done = CliRunner().invoke(
        command.command, arguments, env=environment, catch_exceptions=False, standalone_mode=False
    )
    assert done.return_value == 0
    return done.stdout


@WAYS
def test_deliveries_are_listed_shown_and_delivered_again_by_command(service: Service, way: str) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository))
    post(service, repository, push(repository, name="tag_deleted", key="k2"))
    deleted, pushed = headrace(service, "list", "acme/web", way=way).splitlines()
    assert deleted.endswith("push  ignored 200  refs/tags/v0.9 was deleted")
    assert pushed.endswith("push  accepted 202  #1")
    number = pushed.split()[0]
    assert "x-github-event: push" in headrace(service, "show", "acme/web", number, way=way)
    run = headrace(service, "redeliver", "acme/web", number, way=way).strip()
    assert service.client.get(f"/api/runs/{run}").json()["number"] == 2


def test_what_show_prints_is_an_event_for_a_local_run(service: Service, tmp_path: Path) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository))
    file = tmp_path / "delivery.json"
    file.write_text(headrace(service, "show", "acme/web", str(listed(service)[0]["id"]), "--output", "json"))
    event = local_event(EventOptions(delivery=read_delivery(file)), FACTS)
    assert (event.kind, event.branch, event.sha) == (EventKind.PUSH, "main", "b" * 40)
    assert (event.message, event.sender, event.local) == ("Add the mill's wheel\n\nIt turns.", "ada", True)
    assert event.changed_files is None, "nobody here knows what a commit that isn't checked out has changed"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A delivery that somebody has put together from what a forge shows."""
    file = tmp_path / "delivery.json"
    body = json.loads(payload("git", "updates"))
    file.write_text(json.dumps({"headers": {"Webhook-Id": "k1"}, "body": body}))
    return file


def test_delivery_of_several_events_is_chosen_from_by_ref(saved: Path) -> None:
    delivery = read_delivery(saved)
    with pytest.raises(UsageError, match=r"choose one by --ref: refs/heads/\S+, refs/tags/"):
        local_event(EventOptions(delivery=delivery), FACTS)
    tag = next(update["ref"] for update in delivery.body["updates"] if update["ref"].startswith("refs/tags/"))
    assert local_event(EventOptions(delivery=delivery, ref=tag), FACTS).kind is EventKind.TAG
    with pytest.raises(UsageError, match="asks for no run for refs/heads/none"):
        local_event(EventOptions(delivery=delivery, ref="refs/heads/none"), FACTS)


def test_delivery_of_the_commit_that_is_checked_out_has_what_git_knows(saved: Path) -> None:
    update = {"ref": "refs/heads/main", "before": "0" * 40, "after": FACTS.sha}
    saved.write_text(json.dumps({"forge": "git", "headers": {"webhook-id": "k"}, "body": update}))
    event = local_event(EventOptions(delivery=read_delivery(saved)), FACTS)
    assert (event.message, event.changed_files) == ("Mine", ("mine",))


def test_flags_that_say_something_else_are_refused_beside_a_delivery(saved: Path) -> None:
    options = EventOptions(delivery=read_delivery(saved), branch="main", pr=3)
    with pytest.raises(UsageError, match="leave out --branch, --pr"):
        local_event(options, FACTS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "expected JSON with headers and body"),
        ('{"headers": {}}', "expected JSON with headers and body"),
        ('{"headers": {}, "body": {}}', "no header says which forge sent it"),
        ('{"headers": {"x-github-event": "ping", "x-github-delivery": "k"}, "body": {}}', "ping: the hook works"),
        ('{"headers": {"x-github-event": "push"}, "body": {}}', "expected the id of the delivery"),
        ('{"headers": {"x-github-event": "push", "x-github-delivery": "k"}, "body": {}}', "repository is missing"),
    ],
)
def test_file_that_is_no_delivery_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "delivery.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=complaint) as error:
        local_event(EventOptions(delivery=read_delivery(file)), FACTS)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


# On the pages


def test_pages_list_show_and_redeliver_a_delivery_and_escape_all_of_it(service: Service) -> None:
    repository = service.add_repository(forge="github")
    values = json.loads(payload("github", "push"))
    values["head_commit"]["message"] = "<script>alert(1)</script>"
    body = json.dumps(values).encode()
    post(service, repository, SEND["github"](body, repository.secret, key="<b>k1"))
    number = listed(service)[0]["id"]
    with service.browser() as browser:
        assert 'href="/acme/web/-/deliveries"' in browser.get("/acme/web").text
        assert f'href="/acme/web/-/deliveries/{number}"' in browser.get("/acme/web/-/deliveries").text
        page = browser.get(f"/acme/web/-/deliveries/{number}").text
        assert "202 accepted" in page
        assert "<script>" not in page
        assert "<b>" not in page
        answer = browser.post(f"/acme/web/-/deliveries/{number}/redeliver")
    assert (answer.status_code, answer.headers["location"]) == (303, "/acme/web/runs/2")


def test_page_of_a_refused_delivery_has_no_button(service: Service) -> None:
    repository = service.add_repository(forge="github")
    post(service, repository, push(repository, secret="another"))
    with service.browser() as browser:
        page = browser.get(f"/acme/web/-/deliveries/{listed(service)[0]['id']}").text
    assert "401 refused" in page
    assert "redeliver" not in page
