"""The pages as HTML, and the pure views they are made from."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipelines.event import Event, EventKind, PullRequest
from pipelines.problems import Level, Problem
from pipelines.records import Artifact
from pipelines.status import Status
from tests.worker.conftest import TIME, Service, job, step
from worker.durations import duration
from worker.web import views

NOW = datetime(2026, 11, 24, 4, 0, 0, tzinfo=UTC)
STATIC = Path(views.__file__).parent / "static"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"


class Tags(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.found.append((tag, dict(attributes)))


def test_latest_page_lists_runs_of_all_repositories(service: Service) -> None:
    for name in ("web", "mill"):
        service.add_run(service.add_repository(name=name))
    page = service.client.get("/").text
    assert 'href="/acme/web/runs/1"' in page
    assert 'href="/acme/mill/runs/1"' in page
    assert page.index("acme/mill/runs/1") < page.index("acme/web/runs/1")


def test_empty_server_says_what_to_do(service: Service) -> None:
    assert "headrace repo add" in service.client.get("/").text


def test_repository_page_has_older_runs_on_further_pages(service: Service) -> None:
    repository = service.add_repository()
    for _ in range(51):
        service.add_run(repository)
    first = service.client.get("/acme/web").text
    assert "/acme/web/runs/51" in first
    assert 'href="?before=2"' in first
    second = service.client.get("/acme/web?before=2").text
    assert 'href="/acme/web/runs/1"' in second
    assert "Older runs" not in second


def test_a_step_that_is_tried_again_says_in_which_attempt_it_is(service: Service) -> None:
    story = service.add_run(service.add_repository())
    story.plan(job("build", step("test")))
    story.start_job("build")
    story.start_step("build", "test")
    story.retry_step("build", "test", attempt=1, exit_code=1)
    assert "attempt 2" in service.client.get("/acme/web/runs/1").text
    story.finish_step("build", "test", Status.FAILURE, exit_code=3, reason="exit code 3", attempt=2)
    assert "exit code 3, attempt 2" in service.client.get("/acme/web/runs/1").text


def test_run_page_is_whole_without_a_single_script(service: Service) -> None:
    story = service.add_run(service.add_repository(url="https://git.example.org/acme/web"))
    story.plan(job("build", step("test/unit"), step("deploy", included=False, reason="when: branch is main")))
    story.start_job("build")
    story.start_step("build", "test/unit")
    story.finish_step("build", "test/unit", Status.FAILURE, exit_code=3, reason="exit code 3")
    story.finish_job("build", Status.FAILURE)
    page = service.client.get("/acme/web/runs/1").text
    assert "Add the wheel" in page
    assert "exit code 3" in page
    assert "when: branch is main" in page
    assert f'href="/api/runs/{story.run.id}/jobs/build/steps/test%2Funit/log"' in page
    assert f'href="https://git.example.org/acme/web/commit/{"b" * 40}"' in page
    assert page.count("1.2 s") == 1


def test_run_that_ended_before_it_had_jobs_says_why(service: Service) -> None:
    story = service.add_run(service.add_repository())
    story.plan()
    assert "no workflow matches this event" in service.client.get("/acme/web/runs/1").text


def test_run_page_shows_the_problems_of_its_workflow_files(service: Service) -> None:
    story = service.add_run(service.add_repository())
    assert 'class="problems"' not in service.client.get("/acme/web/runs/1").text
    warning = Problem(file="a.yaml", line=3, column=5, message="is idle", hint="leave it out", level=Level.WARNING)
    story.plan(job("build", step("test")), problems=(warning,))
    page = service.client.get("/acme/web/runs/1").text
    [shown] = re.findall(r'<ul class="problems".*?</ul>', page, re.DOTALL)
    assert re.sub(r"<[^>]*>", "", shown).split() == ["a.yaml:3", "warning", "is", "idle", "leave", "it", "out"]


@pytest.mark.parametrize("path", ["/nothing", "/acme/nothing", "/acme/web/runs/7", "/static/nothing.js"])
def test_page_that_is_not_there_is_answered_404_as_a_page(service: Service, path: str) -> None:
    service.add_repository()
    answer = service.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not Found</h1>" in answer.text


def test_hostile_text_stays_text_in_every_page(service: Service) -> None:
    event = Event(
        kind=EventKind.PULL_REQUEST,
        message=f"{HOSTILE}\n\n{HOSTILE}",
        author=HOSTILE,
        sha="b" * 40,
        pull_request=PullRequest(number=1, source_branch=HOSTILE),
    )
    story = service.add_run(service.add_repository(url="javascript:alert(3)"), event)
    warning = Problem(file=HOSTILE, line=1, column=1, message=HOSTILE, hint=HOSTILE, level=Level.WARNING)
    steps = (step(HOSTILE), step("left out", included=False, reason=HOSTILE))
    story.plan(job(HOSTILE, *steps), problems=(warning,))
    story.start_job(HOSTILE)
    story.start_step(HOSTILE, HOSTILE)
    artifact = Artifact(
        seq=3, time=TIME, run=story.run.id, job=HOSTILE, step=HOSTILE, path=HOSTILE, size_bytes=1, sha256="0"
    )
    story.keep(artifact)
    story.finish_step(HOSTILE, HOSTILE, Status.FAILURE, exit_code=1, reason=HOSTILE)
    for path in ("/", "/acme/web", "/acme/web/runs/1", f"/acme/{HOSTILE}"):
        answer = service.client.get(path)
        tags = Tags(answer.text).found
        assert {attributes.get("src") for tag, attributes in tags if tag == "script"} <= {
            "/static/run.js",
            "/static/list.js",
        }
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
        assert not [tag for tag, attributes in tags if attributes.get("src") == "x"]
        assert "javascript:" not in answer.text
        assert "alert(1)" in answer.text  # it is there, as text


def test_every_answer_has_the_headers_that_keep_strangers_out(service: Service) -> None:
    service.add_repository()
    for path in ("/", "/acme/web", "/api/runs", "/static/run.js", "/nothing", "/api/docs"):
        headers = service.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'; ")
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_hold_no_inline_style_or_script(service: Service) -> None:
    """The content security policy would drop them without a word to the author."""
    story = service.add_run(service.add_repository())
    story.plan(job("build", step("test")))
    for path in ("/", "/acme/web", "/acme/web/runs/1", "/api/docs"):
        page = service.client.get(path).text
        tags = Tags(page).found
        assert not [tag for tag, attributes in tags if "style" in attributes or tag == "style"]
        assert all("src" in attributes for tag, attributes in tags if tag == "script")


def test_every_status_and_event_has_its_icon() -> None:
    icons = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    assert {status.value for status in Status} <= icons
    assert {kind.value for kind in EventKind} <= icons


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0.0 s"),
        (432, "0.4 s"),
        (9_940, "9.9 s"),
        (12_900, "12 s"),
        (59_999, "59 s"),
        (200_000, "3 min 20 s"),
        (7_500_000, "2 h 5 min"),
        (90_000_000, "25 h 0 min"),
    ],
)
def test_duration_is_said_shortly(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (86400, "1 d ago"),
        (20 * 86400, "2026-11-04"),
    ],
)
def test_moment_is_said_as_long_ago(seconds: int, text: str) -> None:
    iso = (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    assert views.ago(iso, NOW) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (812, "812 B"), (1536, "1.5 KiB"), (20 * 1024**2, "20 MiB"), (3 * 1024**5, "3072 TiB")],
)
def test_size_is_said_in_a_unit_that_fits(size_bytes: int, text: str) -> None:
    assert views.size(size_bytes) == text
