"""Badges: what they say, to whom, and that nothing that is asked for breaks them."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.status import Status
from tests.worker.conftest import Service, job, serving, step
from worker.badges.audience import Audience
from worker.badges.drawing import badge, width
from worker.store import history, inbox, repositories
from worker.store.repositories import StoredRepository

PATH = "/badges/acme/web.svg"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    stored = service.add_repository()
    return show(service, stored)


def show(service: Service, repository: StoredRepository) -> StoredRepository:
    with service.database.write() as connection:
        return repositories.set_forge(
            connection, repository.owner, repository.name, url=None, told=None, badge=Audience.PUBLIC
        )


def run(
    service: Service,
    repository: StoredRepository,
    status: Status | None,
    *,
    branch: str = "main",
    name: str = "build",
    kind: EventKind = EventKind.PUSH,
) -> None:
    """A run of one job that ends so; None: it goes on."""
    request = PullRequest(number=1) if kind.is_pull_request else None
    event = Event(kind=kind, branch=branch, ref=f"refs/heads/{branch}", sha="b" * 40, pull_request=request)
    story = service.add_run(repository, event)
    story.plan(job(name, step("make")))
    story.start_job(name)
    if status is not None:
        story.finish_job(name, status)


def shown(service: Service, **asked: str) -> str:
    """What the badge says to somebody without an account."""
    with service.visitor() as visitor:
        answer = visitor.get(PATH, params=asked)
    assert answer.status_code == 200, answer.text
    title = ET.fromstring(answer.text).findtext(f"{SVG}title")  # noqa: S314 -- our own
    assert title is not None
    return title


def test_badge_of_what_never_ran_says_so(service: Service, repository: StoredRepository) -> None:
    assert shown(service) == "build: no runs"
    run(service, repository, Status.SUCCESS)
    assert shown(service, branch="other") == "build: no runs"
    assert shown(service, workflow="other") == "other: no runs"


def test_badge_says_how_the_branch_came_out_last(service: Service, repository: StoredRepository) -> None:
    run(service, repository, Status.SUCCESS)
    run(service, repository, Status.FAILURE, branch="other")
    run(service, repository, Status.FAILURE, kind=EventKind.PULL_REQUEST)
    assert shown(service) == "build: success", "the default branch, without pull requests into it"
    assert shown(service, branch="other") == "build: failure"
    run(service, repository, Status.TIMED_OUT)
    assert shown(service) == "build: timed out"


def test_run_that_goes_on_shows_only_where_none_has_ended(service: Service, repository: StoredRepository) -> None:
    run(service, repository, None)
    assert shown(service) == "build: running"
    with service.database.write() as connection:
        history.cancel(connection, service.client.get("/api/runs").json()["runs"][0]["id"], "enough")
    run(service, repository, Status.SUCCESS, branch="other")
    run(service, repository, None, branch="other")
    assert shown(service, branch="other") == "build: success"


def test_badge_of_a_workflow_is_of_the_last_run_that_had_it(service: Service, repository: StoredRepository) -> None:
    run(service, repository, Status.FAILURE, name="deploy")
    run(service, repository, Status.SUCCESS, name="build")
    assert shown(service, workflow="deploy") == "deploy: failure"
    assert shown(service, workflow="build") == "build: success"


def test_skipped_runs_say_nothing_about_a_branch(service: Service, repository: StoredRepository) -> None:
    run(service, repository, Status.FAILURE)
    story = service.add_run(repository)
    story.plan()
    assert shown(service) == "build: failure"


def test_badge_is_found_behind_any_number_of_runs_of_other_branches_and_pull_requests(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        repository = show(service, service.add_repository())
        run(service, repository, Status.SUCCESS)
        with service.database.write() as connection:
            for number in range(2100):
                busy = Event(branch="busy", sha="c" * 40)
                request = Event(
                    kind=EventKind.PULL_REQUEST, branch="main", sha="c" * 40, pull_request=PullRequest(number=number)
                )
                inbox.add_run(connection, repository, request if number % 2 else busy)
        assert shown(service) == "build: success"
        assert shown(service, workflow="build") == "build: success"


def test_badge_of_a_workflow_is_of_all_its_cells(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, Event(branch="main", ref="refs/heads/main", sha="b" * 40))
    story.plan(*(job(name, step("make")) for name in ("build (PY=3.11)", "build (PY=3.12)", "build_", "builder")))
    for name, status in (("build (PY=3.11)", Status.FAILURE), ("build (PY=3.12)", Status.SUCCESS)):
        story.start_job(name)
        story.finish_job(name, status)
    assert shown(service, workflow="build") == "build: failure"
    assert shown(service, workflow="build_") == "build_: pending", "no sign of a name is one of a pattern"


def test_private_badge_and_none_at_all_look_the_same_to_strangers(
    service: Service, repository: StoredRepository
) -> None:
    service.add_repository(name="hidden")
    with service.visitor() as visitor:
        hidden, none = visitor.get("/badges/acme/hidden.svg"), visitor.get("/badges/acme/none.svg")
        assert hidden.status_code == none.status_code == 404
        assert hidden.text == none.text
        assert hidden.headers["etag"] == none.headers["etag"]
        assert visitor.get("/badges/acme/hidden.svg", headers={"authorization": "Bearer wrong"}).status_code == 404
    with service.browser() as browser:
        seen = browser.get("/badges/acme/hidden.svg")
        assert (seen.status_code, seen.headers["cache-control"]) == (200, "private, no-cache")
    assert service.client.get("/badges/acme/hidden.svg").status_code == 200


def test_badge_is_as_public_as_the_forge_says(service: Service) -> None:
    repository = service.add_repository()
    with service.visitor() as visitor:
        for private, status in ((True, 404), (False, 200), (None, 200), (True, 404)):
            service.add_run(repository, Event(branch="main", repository=Repository(private=private)))
            assert visitor.get(PATH).status_code == status, private


def test_headers_suit_browsers_and_image_proxies(service: Service, repository: StoredRepository) -> None:
    with service.visitor() as visitor:
        first = visitor.get(PATH)
        assert first.headers["content-type"] == "image/svg+xml"
        assert first.headers["cache-control"] == "public, max-age=60, must-revalidate"
        assert first.headers["cross-origin-resource-policy"] == "cross-origin"
        assert first.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert "set-cookie" not in first.headers
        same = visitor.get(PATH, headers={"if-none-match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        run(service, repository, Status.SUCCESS)
        assert visitor.get(PATH, headers={"if-none-match": first.headers["etag"]}).status_code == 200


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><svg onload=x>', "\0\x1b[31m", "a" * 5000, "🚀é\ud800"]
)
def test_whatever_is_asked_for_is_answered_with_a_picture(
    service: Service, repository: StoredRepository, text: str
) -> None:
    sent = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert shown(service, branch=sent, workflow=sent).endswith(": no runs")


@given(st.text(max_size=200), st.sampled_from([*Status, None]))
def test_every_badge_is_xml_that_holds_its_words_and_nothing_else(label: str, status: Status | None) -> None:
    root = ET.fromstring(badge(label, status))  # noqa: S314 -- our own
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
    parts = [element for element in root.iter() if element.tag == f"{SVG}text"]
    last = parts[-1]
    assert int(last.attrib["x"]) + int(last.attrib["textLength"]) < int(root.attrib["width"])


def test_widths_follow_the_letters() -> None:
    assert width("") == 0
    assert width("iii") < width("aaa") < width("mmm")


@pytest.fixture
def page(service: Service, repository: StoredRepository) -> Iterator[str]:
    with service.browser() as browser:
        yield browser.get("/acme/web").text


def test_page_of_the_repository_shows_the_badge_and_its_markdown(service: Service, page: str) -> None:
    assert '<img src="/badges/acme/web.svg?branch=main"' in page
    assert f"[![build]({service.url}/badges/acme/web.svg?branch=main)]({service.url}/acme/web)" in page
    assert "--badge public" not in page


def test_page_of_the_repository_says_why_statuses_do_not_arrive(service: Service, repository: StoredRepository) -> None:
    with service.database.write() as connection:
        repositories.note_status_trouble(connection, repository.id, "github answers 401: <b>no</b>")
    with service.browser() as browser:
        text = browser.get("/acme/web").text
    assert "github answers 401: &lt;b&gt;no&lt;/b&gt;" in text
