"""The commands that speak to a server, over a real one: what they show, fetch and change, and what they say if not."""

import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipelines.event import Deployment, EventKind
from pipelines.problems import Problem
from pipelines.records import Artifact, RunFinished, decode
from pipelines.status import Status
from runner.backend import WorkspaceFile
from runner.commands import artifacts, cancel, deploy, logs, rerun, runs, start
from runner.errors import RemoteError, UsageError
from runner.remote import following
from runner.remote.connection import Connection
from runner.remote.events import SentEvent, events
from runner.remote.following import follow
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.worker.conftest import EVENT, TIME, Service, Story, job, step
from worker.access.identity import Scope
from worker.api import sse
from worker.store import queries
from worker.store.inbox import AcceptedRun

COMMANDS = {each.command.name: each.command for each in (artifacts, cancel, deploy, logs, rerun, runs, start)}


@pytest.fixture
def story(service: Service) -> Story:
    story = service.add_run(service.add_repository())
    story.plan(job("build", step("make"), step("test")))
    story.start_job("build")
    story.start_step("build", "make")
    story.log("build", "make", 1, "one", "two \x1b]0;title\x07")
    return story


def finish(story: Story) -> None:
    story.finish_step("build", "make")
    story.start_step("build", "test")
    story.log("build", "test", 1, "three")
    story.finish_step("build", "test")
    story.finish_job("build", Status.SUCCESS)


def headrace(service: Service, *arguments: str, token: str | None = None) -> str:
    environment = {"HEADRACE_TOKEN": service.token if token is None else token, "HEADRACE_SERVER": service.url}
    command = COMMANDS[arguments[0]]
    done = CliRunner().invoke(command, arguments[1:], env=environment, catch_exceptions=False, standalone_mode=False)
    assert done.return_value == 0
    return done.stdout


def test_runs_of_a_server_are_listed(service: Service, story: Story) -> None:
    assert headrace(service, "runs").split()[:5] == ["acme/web#1", "running", "push", "main", _created(service)]
    assert headrace(service, "runs", "acme/web", "--limit", "1").startswith("acme/web#1  running")
    [run] = json.loads(headrace(service, "runs", "--output", "json"))
    assert run["id"] == story.run.id


def test_runs_of_a_server_are_listed_as_they_are_wanted(service: Service, story: Story) -> None:
    [run] = service.client.get("/api/runs").json()["runs"]
    event = run["event"]
    fits = (
        "--branch",
        event["branch"],
        "--status",
        run["status"],
        "--event",
        event["kind"],
        "--author",
        event["author"],
    )
    assert headrace(service, "runs", *fits) == headrace(service, "runs")
    for misfit in (("--branch", "x"), ("--status", "success"), ("--event", "tag"), ("--author", "nobody")):
        assert headrace(service, "runs", *misfit) == ""


def _created(service: Service) -> str:
    created: str = service.client.get("/api/runs").json()["runs"][0]["created_at"]
    return created


@pytest.mark.parametrize("wanted", ["", "acme/web", "acme/web#1", "id"])
def test_log_of_a_run_is_shown_however_it_is_named(service: Service, story: Story, wanted: str) -> None:
    finish(story)
    said = headrace(service, "logs", story.run.id if wanted == "id" else wanted, "--step", "test")
    assert said == "three\n"


def test_log_that_goes_on_is_followed_to_its_end(service: Service, story: Story) -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(headrace(service, "logs")))
    thread.start()
    wait_until(lambda: service.lives[0]._viewers, what="somebody to watch")
    finish(story)
    thread.join(PATIENCE_SECONDS)
    [text] = said
    assert [word for word in ("one", "two", "three", "success in") if word not in text] == []
    assert "\x1b]0;" not in text, "a terminal obeys nothing of it"


def test_log_is_folded_by_its_commands(service: Service, story: Story) -> None:
    story.log("build", "make", 3, "much", "more", command=0)
    story.finish_step("build", "make", commands=((0, 2500),))
    story.finish_job("build", Status.SUCCESS)
    said = headrace(service, "logs", "--fold", "--step", "make")
    assert said.splitlines()[2:] == ["much   ✓ 2.5 s"]


def test_followed_run_survives_that_its_stream_ends_all_the_time(
    service: Service, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy, a restart, the server's own limit: nothing is missed and nothing comes twice."""
    monkeypatch.setattr(sse, "_LONGEST_SECONDS", 0.0001)  # hardly more than one reading a stream
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.01)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            finish(story)

    connection = Connection(service.url, service.token)
    records = list(follow(connection, story.run.id, sleep=pause))
    connection.close()
    assert len(pauses) >= 3
    assert isinstance(records[-1], RunFinished)
    lines = [line for record in records for line in getattr(record, "lines", ())]
    assert lines == ["one", "two \x1b]0;title\x07", "three"]
    assert len({(type(record), getattr(record, "step", ""), getattr(record, "line", 0)) for record in records}) == len(
        records
    )


def test_records_come_as_the_server_has_them(service: Service, story: Story) -> None:
    finish(story)
    said = [decode(line.encode()) for line in headrace(service, "logs", "--output", "json").splitlines()]
    assert [type(record).__name__ for record in said[:2]] == ["RunStarted", "JobStarted"]
    assert isinstance(said[-1], RunFinished)


def keep(service: Service, story: Story, path: str, content: bytes, *, sha256: str = "") -> None:
    kept = service.storage.artifacts(story.run.id).put(
        "build", "make", WorkspaceFile(path=path, size_bytes=len(content), content=io.BytesIO(content))
    )
    story.keep(
        Artifact(
            seq=story.seq + 1,
            time=TIME,
            run=story.run.id,
            job="build",
            step="make",
            path=path,
            size_bytes=len(content),
            sha256=sha256 or kept.sha256,
        )
    )


def test_artifacts_are_listed_and_fetched(service: Service, story: Story, tmp_path: Path) -> None:
    keep(service, story, "dist/a.txt", b"alpha")
    assert headrace(service, "artifacts").split() == ["5", "build/make", "dist/a.txt"]
    said = headrace(service, "artifacts", "acme/web#1", "--to", str(tmp_path / "here"))
    assert Path(said.strip()).read_bytes() == b"alpha"
    assert [path.name for path in (tmp_path / "here").rglob("*")] == ["dist", "a.txt"]


def test_artifact_that_comes_otherwise_than_promised_is_not_kept(
    service: Service, story: Story, tmp_path: Path
) -> None:
    keep(service, story, "a.txt", b"alpha", sha256=hashlib.sha256(b"beta").hexdigest())
    with pytest.raises(RemoteError, match=r"'a\.txt' did not come as"):
        headrace(service, "artifacts", "--to", str(tmp_path / "here"))
    assert list((tmp_path / "here").iterdir()) == []


def test_artifact_is_never_written_through_a_link(service: Service, story: Story, tmp_path: Path) -> None:
    keep(service, story, "out/a.txt", b"alpha")
    (tmp_path / "outside").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="outside of"):
        headrace(service, "artifacts", "--to", str(tmp_path / "here"))
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("path", [".git/config", "sub/.GIT/hooks/post-checkout", ".git. /config", "git~1/config"])
def test_artifact_is_never_written_where_git_would_obey_it(
    service: Service, story: Story, tmp_path: Path, path: str
) -> None:
    """`--to .` in a working tree: the configuration there names programs that git runs."""
    keep(service, story, path, b"[core]\n\tfsmonitor = touch canary\n")
    with pytest.raises(UsageError, match=r"own \.git: it is not written"):
        headrace(service, "artifacts", "--to", str(tmp_path / "here"))
    assert list((tmp_path / "here").iterdir()) == []


def test_run_is_cancelled_and_run_again(service: Service, story: Story) -> None:
    headrace(service, "cancel", "acme/web#1", "--reason", "too late")
    shown = service.client.get(f"/api/runs/{story.run.id}").json()
    assert shown["status"] == "running"
    again = headrace(service, "rerun", story.run.id).strip()
    assert service.client.get(f"/api/runs/{again}").json()["number"] == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nothing", "404: there is no run nothing"),
        ("acme/web#9", "has no run acme/web#9"),
        ("acme/none", "404: there is no repository acme/none"),
        ("acme#1", "expected an id, or OWNER/NAME#NUMBER"),
        ("acme/web#x", "expected an id, or OWNER/NAME#NUMBER"),
    ],
)
def test_run_that_is_not_there_is_said_in_one_line(service: Service, story: Story, wanted: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        headrace(service, "logs", wanted)
    assert "\n" not in str(raised.value)


def test_who_is_not_let_in_hears_how(service: Service, story: Story) -> None:
    with pytest.raises(UsageError, match=r"401: .*; give a token as HEADRACE_TOKEN"):
        headrace(service, "runs", token="")
    with pytest.raises(UsageError, match="403: this takes the scope write"):
        headrace(service, "cancel", "acme/web#1", token=service.new_token(Scope.READ))


# Without a server, or with one that is none


class Elsewhere(BaseHTTPRequestHandler):
    """Answers everything with a redirect to itself, or with a page that is no API's."""

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("authorization"))  # type: ignore[attr-defined]
        self.send_response(302 if self.path.startswith("/moved") else 200)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def elsewhere() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def invoke(command: str, *arguments: str) -> None:
    environment = {"HEADRACE_TOKEN": "hrt_secret", "HEADRACE_SERVER": ""}
    CliRunner().invoke(COMMANDS[command], arguments, env=environment, catch_exceptions=False, standalone_mode=False)


def test_server_that_is_none_is_named(elsewhere: HTTPServer) -> None:
    with pytest.raises(RemoteError, match="does not answer as a Headrace server does"):
        invoke("runs", "--server", f"http://127.0.0.1:{elsewhere.server_port}")


def test_token_is_carried_to_no_other_address(elsewhere: HTTPServer) -> None:
    with pytest.raises(RemoteError, match="302"):
        invoke("runs", "--server", f"http://127.0.0.1:{elsewhere.server_port}/moved")
    assert len(elsewhere.asked) == 1  # type: ignore[attr-defined]


def test_server_that_is_away_is_named_without_the_token() -> None:
    with pytest.raises(RemoteError, match=r"^http://127\.0\.0\.1:9 does not answer: ") as raised:
        invoke("runs", "--server", "http://127.0.0.1:9")
    assert "hrt_secret" not in str(raised.value)


def test_followed_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_AWAY_SECONDS", 0.0)
    with pytest.raises(RemoteError, match="does not answer"):
        list(follow(Connection("http://127.0.0.1:9", ""), "x", sleep=lambda _: None))


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("cancel", ["x"], "say which server"),
        ("rerun", ["x"], "say which server"),
        ("runs", ["--server", "ci.example.org"], "expected http"),
        ("logs", ["--server", "http://x", "--local"], "choose one"),
    ],
)
def test_command_without_a_usable_server_says_what_it_needs(command: str, arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        invoke(command, *arguments)


def test_events_are_put_together_as_the_standard_says() -> None:
    lines = [": hello", "", "id: 1", "data: a", "", "data:b", "data: c", "event: x", "", "id: 3", "data: cut off"]
    assert list(events(lines)) == [SentEvent(id="1", data="a"), SentEvent(id="1", data="b\nc")]


def test_run_is_started_by_hand(service: Service) -> None:
    service.add_repository()
    flags = ("--branch", "dev", "--param", "TARGET=eu=1", "--param", "N=2", "--workflow", "ship")
    run_id = headrace(service, "start", "acme/web", *flags).strip()
    with service.database.read() as connection:
        event = queries.run_with_id(connection, run_id).event
    assert (event.kind, event.branch, event.sender) == (EventKind.MANUAL, "dev", "ada")
    assert (event.params, event.workflows) == ({"TARGET": "eu=1", "N": "2"}, ("ship",))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("acme/nothing",), "there is no repository acme/nothing"),
        (("web",), "'web' is no repository: expected OWNER/NAME"),
        (("acme/web", "--param", "TARGET"), "write --param NAME=VALUE"),
        (("acme/web", "--tag", "v1", "--branch", "main"), "give no branch and no commit with it"),
    ],
)
def test_start_that_can_not_be_is_refused_in_one_line(
    service: Service, arguments: tuple[str, ...], complaint: str
) -> None:
    service.add_repository()
    with pytest.raises(UsageError, match=re.escape(complaint)):
        headrace(service, "start", *arguments)


def test_what_a_run_was_of_is_deployed(service: Service, story: Story) -> None:
    finish(story)
    run_id = headrace(service, "deploy", "acme/web#1", "--to", "production", "--task", "migrate").strip()
    with service.database.read() as connection:
        event = queries.run_with_id(connection, run_id).event
    assert event.deployment == Deployment(target="production", task="migrate")
    assert (event.sha, event.parent) == (EVENT.sha, 1)


def test_what_has_failed_is_run_again(service: Service, story: Story) -> None:
    story.finish_job("build", Status.FAILURE)
    assert headrace(service, "rerun", "acme/web#1", "--failed").strip() != story.run.id
    assert service.count("runs") == 2


def followed(service: Service, tell: Callable[[Service], None]) -> Result:
    """What `headrace start --follow` has printed when the run has gone as it is told."""
    service.add_repository()
    environment = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    with ThreadPoolExecutor() as threads:
        given = ("acme/web", "--follow")
        done = threads.submit(
            CliRunner().invoke, COMMANDS["start"], given, env=environment, catch_exceptions=False, standalone_mode=False
        )
        wait_until(lambda: service.count("runs") == 1, what="the run to be there")
        tell(service)
        return done.result(timeout=PATIENCE_SECONDS)


def test_started_run_is_followed_to_its_end_which_is_the_exit_code(service: Service) -> None:
    """As `headrace run` does: its log, its results, and 1 for a step that failed."""
    result = followed(service, tell_failure)
    assert result.return_value == 1
    assert "one" in result.stdout
    assert "failure" in result.stdout.splitlines()[-1]
    assert "acme/web#1: " in result.stderr


def test_followed_run_whose_files_are_wrong_shows_why_and_is_exit_code_2(service: Service) -> None:
    problem = Problem(file="a.yaml", line=3, column=1, message="no image")
    result = followed(service, lambda service: story_of_latest(service).plan(problems=(problem,)))
    assert result.return_value == 2
    assert "error: a.yaml:3:1: no image" in result.stderr


def story_of_latest(service: Service) -> Story:
    with service.database.read() as connection:
        (run,) = queries.latest_runs(connection, limit=1)
    return Story(service=service, run=AcceptedRun(id=run.id, number=run.number), event=run.event)


def tell_failure(service: Service) -> None:
    story = story_of_latest(service)
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.start_step("build", "make")
    story.log("build", "make", 1, "one")
    story.finish_step("build", "make", Status.FAILURE, exit_code=1, reason="exit code 1")
    story.finish_job("build", Status.FAILURE)
