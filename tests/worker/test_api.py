"""The API over a real socket: what it tells of runs, and what it tells while they happen."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from pipelines.problems import Problem
from pipelines.records import Artifact, Stream
from pipelines.status import Status
from runner.backend import WorkspaceFile
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.worker.conftest import TIME, Service, Story, job, step
from worker.api.cursor import Cursor
from worker.api.runs import log_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One server-sent event."""

    id: str
    name: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def events(lines: Iterator[str]) -> Iterator[Sent]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif not line and "data" in fields:
            yield Sent(id=fields.get("id", ""), name=fields.get("event", "message"), data=fields["data"])
            fields = {}


def watch(service: Service, path: str, *, after: str = "", **params: str | int) -> list[Sent]:
    """All events until the stream ends."""
    headers = {"accept": "text/event-stream", "last-event-id": after}
    with service.client.stream("GET", path, headers=headers, params=params or None) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(events(answer.iter_lines()))


class Watcher:
    """Someone who watches a stream from a thread of their own."""

    def __init__(self, service: Service, path: str, *, after: str = "", **params: str | int) -> None:
        self.seen: list[Sent] = []
        self._service = service
        headers = {
            "accept": "text/event-stream",
            "authorization": f"Bearer {service.token}",
            "last-event-id": after,
        }
        self._request = {"url": service.url + path, "params": params, "headers": headers}
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def wait_for(self, count: int) -> list[Sent]:
        wait_until(lambda: len(self.seen) >= count, what=f"{count} events")
        return self.seen

    def wait_for_end(self) -> list[Sent]:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self.seen

    def _watch(self) -> None:
        with httpx.Client(timeout=PATIENCE_SECONDS) as client, client.stream("GET", **self._request) as answer:  # type: ignore[arg-type]
            for event in events(answer.iter_lines()):
                self.seen.append(event)


@pytest.fixture
def story(service: Service) -> Story:
    return service.add_run(service.add_repository(url="https://git.example.org/acme/web"))


def running(story: Story) -> Story:
    """A run whose job `build` is in its step `test`."""
    story.plan(job("build", step("test"), step("deploy", included=False, reason="when: branch is main")))
    story.start_job("build")
    story.start_step("build", "test")
    return story


def finished(story: Story) -> Story:
    running(story)
    story.log("build", "test", 1, "one", "two")
    story.log("build", "test", 3, "three", stream=Stream.STDERR)
    story.finish_step("build", "test", Status.FAILURE, exit_code=1, reason="exit code 1")
    story.finish_job("build", Status.FAILURE)
    return story


# Runs


def test_run_is_shown_with_its_jobs_and_steps(service: Service, story: Story) -> None:
    finished(story)
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    assert (run["number"], run["repository"], run["status"]) == (1, "acme/web", "failure")
    assert run["url"] == f"{service.url}/acme/web/runs/1"
    assert run["event"]["branch"] == "main"
    [shown] = run["jobs"]
    assert (shown["name"], shown["status"], shown["duration_ms"]) == ("build", "failure", 5678)
    test, deploy = shown["steps"]
    assert (test["status"], test["exit_code"], test["reason"]) == ("failure", 1, "exit code 1")
    assert (test["kind"], test["image"], test["duration_ms"], test["started_at"]) == ("step", "busybox", 1234, TIME)
    assert service.client.get(test["log_url"]).text == "one\ntwo\nthree\n"
    assert (deploy["status"], deploy["included"], deploy["reason"]) == ("skipped", False, "when: branch is main")


def test_run_is_shown_with_the_problems_of_its_workflow_files(service: Service) -> None:
    story = service.add_run(service.add_repository())
    at_the_key = {"file": "a.yaml", "line": 3, "column": 5, "path": "steps.a.cache", "level": "warning"}
    problem = {**at_the_key, "message": "`steps.a.cache` has no effect yet", "hint": ""}
    assert service.client.get(f"/api/runs/{story.run.id}").json()["problems"] == []
    story.plan(job("build", step("test")), problems=(msgspec.convert(problem, Problem),))
    assert service.client.get(f"/api/runs/{story.run.id}").json()["problems"] == [problem]


def test_each_attempt_at_a_step_is_shown_with_its_commands(service: Service, story: Story) -> None:
    running(story)
    story.retry_step("build", "test", attempt=1, exit_code=75)
    [test, _] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"][0]["steps"]
    assert [each["number"] for each in test["attempts"]] == [1]
    story.finish_step("build", "test", attempt=2)
    story.finish_job("build")
    [test, deploy] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"][0]["steps"]
    assert test["status"] == "success"
    first, second = test["attempts"]
    assert first == {
        "number": 1,
        "status": "failure",
        "exit_code": 75,
        "reason": "exit code 75",
        "duration_ms": 200,
        "commands": [{"command": 0, "exit_code": 75, "duration_ms": 150}],
    }
    assert (second["number"], second["status"], second["duration_ms"]) == (2, "success", 1234 - 200 - 300)
    assert deploy["attempts"] == []


def test_a_step_that_was_stopped_before_its_next_attempt_shows_no_such_attempt(service: Service, story: Story) -> None:
    running(story)
    story.retry_step("build", "test", attempt=1, exit_code=1)
    story.finish_step("build", "test", Status.CANCELLED, exit_code=None, attempt=1)
    [test, _] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"][0]["steps"]
    assert test["status"] == "cancelled"
    assert [each["status"] for each in test["attempts"]] == ["failure"]


def test_job_that_is_left_out_is_skipped_with_its_reason(service: Service, story: Story) -> None:
    story.plan(job("release", step("publish"), included=False, reason="when: event is tag"))
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    assert run["status"] == "skipped"
    [shown] = run["jobs"]
    assert (shown["status"], shown["included"], shown["reason"]) == ("skipped", False, "when: event is tag")
    assert shown["steps"][0]["status"] == "skipped"


def test_run_that_waits_has_no_jobs_yet(service: Service, story: Story) -> None:
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    assert (run["status"], run["jobs"], run["started_at"]) == ("pending", [], None)


def test_runs_of_a_repository_come_by_pages_latest_first(service: Service) -> None:
    web, mill = service.add_repository(), service.add_repository(name="mill")
    for repository in (web, web, mill, web):
        service.add_run(repository)
    first = service.client.get("/api/repositories/acme/web/runs", params={"limit": 2}).json()
    assert ([run["number"] for run in first["runs"]], first["before"]) == ([3, 2], 2)
    second = service.client.get("/api/repositories/acme/web/runs", params={"limit": 2, "before": 2}).json()
    assert ([run["number"] for run in second["runs"]], second["before"]) == ([1], None)


def test_latest_runs_are_of_all_repositories(service: Service) -> None:
    for name in ("web", "mill"):
        service.add_run(service.add_repository(name=name))
    runs = service.client.get("/api/runs").json()["runs"]
    assert [run["repository"] for run in runs] == ["acme/mill", "acme/web"]
    assert len(service.client.get("/api/runs", params={"limit": 1}).json()["runs"]) == 1


def test_repositories_are_listed_without_their_secrets(service: Service) -> None:
    repository = service.add_repository(forge="gitea")
    answer = service.client.get("/api/repositories")
    assert answer.json()["repositories"][0]["name"] == "acme/web"
    assert repository.secret not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/runs/nothing", 404, "there is no run nothing"),
        ("/api/runs/nothing/records", 404, "there is no run nothing"),
        ("/api/runs/nothing/artifacts", 404, "there is no run nothing"),
        ("/api/runs/nothing/jobs/a/steps/b/log", 404, "run nothing has no step 'b' in a job 'a'"),
        ("/api/artifacts/5/content", 404, "there is no artifact 5"),
        ("/api/artifacts/x/content", 400, "artifact_id: Input should be a valid integer"),
        ("/api/runs?limit=0", 400, "limit: Input should be greater than or equal to 1"),
        ("/api/repositories/acme/nothing/runs", 404, "there is no repository acme/nothing"),
        ("/api/nothing", 404, "there is nothing at /api/nothing; see /api/docs"),
        ("/api/", 404, "there is nothing at /api/"),
        ("/hooks/github", 404, "there is nothing at /hooks/github"),
        ("/hooks/github/acme/web", 405, "/hooks/github/acme/web takes POST, and not GET"),
        ("/api/runs/nothing/cancel", 405, "/api/runs/nothing/cancel takes POST, and not GET"),
        ("/api/runs?before=junk", 400, "before: String should match pattern"),
        ("/api/repositories/acme/web/runs?before=junk", 400, "before: Input should be a valid integer"),
        ("/api/repositories/acme/web/deliveries?before=0", 400, "before: Input should be greater than"),
        ("/api/runs/nothing/artifacts?after=junk", 400, "after: Input should be a valid integer"),
        ("/api/runs/nothing/jobs/a/steps/b/log?from=0", 400, "from: Input should be greater than"),
        ("/api/runs/nothing/jobs/a/steps/b/log?tail=-1", 400, "tail: Input should be greater than"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(service: Service, path: str, status: int, detail: str) -> None:
    answer = service.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_method_that_a_path_does_not_take_is_told_from_a_path_that_is_not_there(service: Service, method: str) -> None:
    wrong = service.client.request(method, "/api/workers")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert service.client.request(method, "/api/nothing").status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/runs", "GET, POST"),
        ("/api/runs/nothing/cancel", "POST"),
        ("/api/retention/removals", "GET, POST"),
        ("/api/repositories/acme/web", "DELETE, GET, PATCH"),
        ("/login", "GET, POST"),
        ("/healthz", "GET, HEAD"),
        ("/", "GET"),
        ("/acme/web/-/start", "GET, POST"),
    ],
)
@pytest.mark.parametrize("method", ["TRACE", "PUT", "INVENTED"])
def test_method_that_no_route_takes_is_answered_with_all_that_the_path_takes(
    service: Service, method: str, path: str, allowed: str
) -> None:
    answer = service.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    is_for_programs = answer.headers["content-type"] == "application/problem+json"
    assert is_for_programs is path.startswith(("/api/", "/healthz"))


@pytest.mark.parametrize("path", ["/api/nothing", "/api/runs/", "/api//runs", "/api/runs/a/b/c"])
@pytest.mark.parametrize("method", ["GET", "TRACE", "INVENTED", "DELETE"])
def test_what_is_not_there_is_told_to_programs_in_their_form(service: Service, method: str, path: str) -> None:
    answer = service.client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


# Logs


def test_log_is_text_in_the_order_it_came(service: Service, story: Story) -> None:
    finished(story)
    answer = service.client.get(log_path(story.run.id, "build", "test"))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.text == "one\ntwo\nthree\n"


def test_log_is_given_by_pages_of_lines(service: Service, story: Story) -> None:
    finished(story)
    path = log_path(story.run.id, "build", "test")
    page = service.client.get(path, params={"format": "json", "from": 2, "limit": 1}).json()
    line = {"number": 2, "stream": "stdout", "time": TIME, "text": "two", "command": None, "attempt": 1}
    assert page == {"lines": [line], "next": 3}
    page = service.client.get(path, params={"format": "json", "from": 3}).json()
    assert [line["stream"] for line in page["lines"]] == ["stderr"]
    assert page["next"] is None
    tail = service.client.get(path, params={"format": "json", "tail": 2}).json()
    assert [line["number"] for line in tail["lines"]] == [2, 3]


def test_log_that_may_grow_has_a_next_page(service: Service, story: Story) -> None:
    path = log_path(running(story).run.id, "build", "test")
    assert service.client.get(path, params={"format": "json"}).json() == {"lines": [], "next": 1}


def test_watcher_of_a_log_sees_lines_as_they_come_and_then_its_end(service: Service, story: Story) -> None:
    running(story)
    watcher = Watcher(service, log_path(story.run.id, "build", "test"))
    story.log("build", "test", 1, "one", "two")
    [first] = watcher.wait_for(1)
    assert first.json["lines"] == ["one", "two"]
    assert (first.json["line"], first.json["stream"], first.id) == (1, "stdout", "2")
    story.log("build", "test", 3, "three", stream=Stream.STDERR)
    assert watcher.wait_for(2)[1].json["stream"] == "stderr"
    story.finish_step("build", "test")
    assert [event.name for event in watcher.wait_for_end()] == ["message", "message", "end"]


def test_watcher_of_a_log_goes_on_where_it_was(service: Service, story: Story) -> None:
    path = log_path(finished(story).run.id, "build", "test")
    whole = watch(service, path)
    assert [event.id for event in whole] == ["2", "3", ""]
    assert [event.json.get("lines") for event in watch(service, path, after="1")] == [["two"], ["three"], None]
    assert [event.name for event in watch(service, path, after="3")] == ["end"]
    assert watch(service, f"{path}?from=3")[0].json["lines"] == ["three"]
    assert watch(service, path, tail=1)[0].json["lines"] == ["three"]


def test_long_log_comes_whole_to_every_kind_of_reader(service: Service, story: Story) -> None:
    running(story)
    lines = [f"line {number}" for number in range(1, 7001)]
    for first in range(0, 7000, 700):
        story.log("build", "test", first + 1, *lines[first : first + 700])
    story.finish_step("build", "test")
    story.finish_job("build")
    path = log_path(story.run.id, "build", "test")
    assert service.client.get(path).text.splitlines() == lines
    assert [line for event in watch(service, path)[:-1] for line in event.json["lines"]] == lines
    records = [event.json for event in watch(service, f"/api/runs/{story.run.id}/records", logs=1)]
    assert [line for record in records if record["type"] == "log" for line in record["lines"]] == lines


@pytest.mark.parametrize("name", ["a/b", "../../x", "100% sure?", "é #1", "steps/x/log", "a\\b", 'q"q'])
def test_job_and_step_names_hold_any_character(service: Service, story: Story, name: str) -> None:
    story.plan(job(name, step(name)))
    story.start_job(name)
    story.start_step(name, name)
    story.log(name, name, 1, "found")
    assert service.client.get(log_path(story.run.id, name, name)).text == "found\n"
    [shown] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"][0]["steps"]
    assert service.client.get(shown["log_url"]).text == "found\n"


def test_slash_in_a_name_that_is_not_quoted_is_said(service: Service, story: Story) -> None:
    answer = service.client.get(f"/api/runs/{story.run.id}/jobs/a/b/steps/c/log")
    assert (answer.status_code, answer.json()["detail"][-11:]) == (404, "written %2F")


# Records


def test_records_are_the_stored_history_with_their_number_as_id(service: Service, story: Story) -> None:
    seen = watch(service, f"/api/runs/{finished(story).run.id}/records")
    assert [event.json["type"] for event in seen] == [
        *("run_started", "job_started", "step_started", "step_finished", "job_finished", "run_finished")
    ]
    assert [event.id for event in seen] == [str(event.json["seq"]) for event in seen] == list("123456")
    again = watch(service, f"/api/runs/{story.run.id}/records", after="4")
    assert [event.id for event in again] == ["5", "6"]


def test_watcher_of_records_sees_them_as_they_come(service: Service, story: Story) -> None:
    watcher = Watcher(service, f"/api/runs/{story.run.id}/records", logs=1)
    running(story)
    watcher.wait_for(3)
    story.log("build", "test", 1, "one")
    assert watcher.wait_for(4)[3].json["lines"] == ["one"]
    story.log("build", "test", 2, "two")
    story.finish_step("build", "test")
    story.finish_job("build")
    seen = [event.json["type"] for event in watcher.wait_for_end()]
    assert seen == [
        *("run_started", "job_started", "step_started", "log", "log"),
        *("step_finished", "job_finished", "run_finished"),
    ]


def test_reader_of_records_with_logs_goes_on_from_any_event_and_misses_nothing(service: Service, story: Story) -> None:
    path = f"/api/runs/{finished(story).run.id}/records"
    whole = watch(service, path, logs=1)
    assert len(whole) == 8
    for number, event in enumerate(whole[:-1], 1):
        assert [later.data for later in watch(service, path, after=event.id, logs=1)] == [
            later.data for later in whole[number:]
        ]


def test_records_so_far_are_json_lines(service: Service, story: Story) -> None:
    running(story)
    story.log("build", "test", 1, "one")
    path = f"/api/runs/{story.run.id}/records"
    by_header = service.client.get(path, headers={"accept": "application/json"})
    assert [json.loads(line)["type"] for line in by_header.text.splitlines()] == [
        *("run_started", "job_started", "step_started")
    ]
    with_logs = service.client.get(path, params={"format": "jsonl", "logs": 1})
    assert [json.loads(line)["type"] for line in with_logs.text.splitlines()][-1] == "log"
    assert service.client.get(path, params={"format": "xml"}).status_code == 400


def test_history_longer_than_a_batch_comes_whole(service: Service, story: Story) -> None:
    names = [f"step {number}" for number in range(150)]
    story.plan(job("build", *(step(name) for name in names)))
    story.start_job("build")
    for name in names:
        story.start_step("build", name)
        story.finish_step("build", name)
    story.finish_job("build")
    assert [event.id for event in watch(service, f"/api/runs/{story.run.id}/records")] == [
        str(number) for number in range(1, 305)
    ]


@pytest.mark.parametrize(
    ("text", "seq", "next_lines"),
    [("", 0, {}), ("17", 17, {}), ("17-3:120-5:7", 17, {3: 120, 5: 7}), ("x", 0, {}), ("17-", 0, {}), ("-1", 0, {})],
)
def test_cursor_is_read_as_it_was_written(text: str, seq: int, next_lines: dict[int, int]) -> None:
    cursor = Cursor.parse(text)
    assert (cursor.seq, cursor.next_lines) == (seq, next_lines)
    assert Cursor.parse(str(cursor)) == cursor


# Artifacts


def keep(service: Service, story: Story, path: str, content: bytes) -> None:
    running(story)
    store = service.storage.artifacts(story.run.id)
    kept = store.put("build", "test", WorkspaceFile(path=path, size_bytes=len(content), content=BytesIO(content)))
    seq = story.seq + 1
    story.keep(
        Artifact(
            seq=seq,
            time=TIME,
            run=story.run.id,
            job="build",
            step="test",
            path=path,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
        )
    )


@pytest.mark.parametrize("name", ["wheel.html", 'a"b.txt', "é ü.bin", "x\r\nSet-Cookie: a=b"])
def test_artifact_is_downloaded_and_never_shown(service: Service, story: Story, name: str) -> None:
    content = b"<script>alert(1)</script>" * 50_000
    keep(service, story, f"dist/{name}", content)
    [artifact] = service.client.get(f"/api/runs/{story.run.id}/artifacts").json()["artifacts"]
    assert (artifact["job"], artifact["step"], artifact["path"]) == ("build", "test", f"dist/{name}")
    assert artifact["size_bytes"] == len(content)
    answer = service.client.get(artifact["url"])
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert quote(name, safe="") in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "set-cookie" not in answer.headers


def test_artifact_whose_file_is_gone_is_answered_404(service: Service, story: Story) -> None:
    keep(service, story, "dist/x", b"x")
    next(service.settings.runs_directory.rglob("dist/x")).unlink()
    [artifact] = service.client.get(f"/api/runs/{story.run.id}/artifacts").json()["artifacts"]
    assert service.client.get(artifact["url"]).status_code == 404


# The reference and the health


def test_reference_describes_every_operation_and_needs_nothing_from_elsewhere(service: Service) -> None:
    page = service.client.get("/api/docs").text
    document = service.client.get("/api/openapi.json").json()
    for path, item in document["paths"].items():
        assert path in page
        assert all(operation["description"] for operation in item.values()), path
    assert "//cdn" not in page
    assert "https://" not in page


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{bad", "the body is no JSON: Expecting property name enclosed in double quotes at character 1"),
        (b'"again"', "the body must be a JSON object, sent with `Content-Type: application/json`"),
        (b"{}", "again: Field required"),
    ],
)
def test_body_that_can_not_be_read_is_told_in_words(service: Service, body: bytes, said: str) -> None:
    answer = service.client.post("/api/runs", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (400, said)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_monitor_may_ask_with_head(service: Service, path: str) -> None:
    answer = service.client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_health_is_the_databases(service: Service) -> None:
    assert service.client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("after", ["9" * 9, "9" * 30, "-1", "x", "1-2:3-4:5"])
def test_cursor_that_was_made_up_is_no_error(service: Service, after: str) -> None:
    story = finished(service.add_run(service.add_repository()))
    answer = service.client.get(f"/api/runs/{story.run.id}/records?format=jsonl", headers={"last-event-id": after})
    assert answer.status_code == 200


@pytest.mark.parametrize("after", ["9" * 9, "9" * 5000, "-1", "x", "99-2:3"])
def test_id_that_a_history_never_gave_has_it_told_from_the_beginning(service: Service, after: str) -> None:
    story = finished(service.add_run(service.add_repository()))
    path = f"/api/runs/{story.run.id}/records"
    assert watch(service, path, after=after, logs=1) == watch(service, path, logs=1)


def test_history_of_which_all_was_sent_ends_at_once(service: Service) -> None:
    """A browser comes again by itself when a stream ends, with the last id."""
    story = finished(service.add_run(service.add_repository()))
    path = f"/api/runs/{story.run.id}/records"
    assert watch(service, path, after=watch(service, path)[-1].id) == []


@pytest.mark.parametrize("after", ["9" * 9, "9" * 5000, "-1", "x"])
def test_id_that_a_log_never_gave_is_passed_over(service: Service, after: str) -> None:
    story = finished(service.add_run(service.add_repository()))
    path = log_path(story.run.id, "build", "test")
    assert watch(service, path, after=after) == watch(service, path)
    assert watch(service, path, after=after, tail=1) == watch(service, path, tail=1)


def test_live_log_is_followed_after_an_id_that_it_never_gave(service: Service) -> None:
    story = running(service.add_run(service.add_repository()))
    watcher = Watcher(service, log_path(story.run.id, "build", "test"), after="4000")
    story.log("build", "test", 1, "one")
    assert watcher.wait_for(1)[0].json["lines"] == ["one"]
    story.finish_step("build", "test")
    assert [event.name for event in watcher.wait_for_end()] == ["message", "end"]


@pytest.mark.parametrize("path", ["/api/artifacts/99999999999999999999/content", "/acme/web/runs/4294967296"])
def test_number_beyond_what_a_database_holds_is_answered_400(service: Service, path: str) -> None:
    assert service.client.get(path).status_code == 400
