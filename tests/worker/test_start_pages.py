"""The pages by which people start runs and keep schedules: what they show, and what their forms do."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from pipelines.details import Parameter
from pipelines.event import Event, EventKind
from pipelines.status import Status
from tests.worker.conftest import EVENT, Service, job, step
from worker.access.identity import Role
from worker.store import queries

START = "/acme/web/-/start"
PAGE = "/acme/web/-/schedules"
PARAMS = {
    "WHERE": Parameter(type="choice", options=("eu", "us"), required=True, description="Where to <ship>"),
    "DRY": Parameter(type="bool", default="true"),
    "COUNT": Parameter(type="number", default="3"),
    "NOTE": Parameter(),
}
NIGHTLY = {
    "name": "nightly",
    "cron": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "others": "DEPTH=full\n\nWHERE=eu\nNOTE = a=b",
}


@pytest.fixture
def served(service: Service) -> Service:
    """A server with a run whose workflow asks for inputs."""
    story = service.add_run(service.add_repository())
    story.plan(replace(job("build", step("make")), params=PARAMS))
    story.start_job("build")
    story.finish_job("build")
    return service


@pytest.fixture
def member(served: Service) -> Iterator[httpx.Client]:
    with served.browser() as browser:
        yield browser


@pytest.fixture
def administrator(served: Service) -> Iterator[httpx.Client]:
    with served.browser("root", Role.ADMINISTRATOR) as browser:
        yield browser


def latest(service: Service) -> Event:
    with service.database.read() as connection:
        return queries.latest_runs(connection, limit=1)[0].event


def post(browser: httpx.Client, path: str, **form: str) -> str:
    """Where a form's answer leads to."""
    answer = browser.post(path, data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_repository_page_leads_to_both(served: Service) -> None:
    page = served.client.get("/acme/web").text
    assert f'href="{START}"' in page
    assert f'href="{PAGE}"' in page


def test_form_is_made_of_what_the_workflow_asks_for(member: httpx.Client) -> None:
    page = member.get(START).text
    assert "Where to &lt;ship&gt;" in page
    assert re.search(r'<select name="param.WHERE" required>\s*<option selected></option><option>eu</option>', page)
    assert re.search(r'<select name="param.DRY">\s*<option selected>true</option><option>false</option>', page)
    assert '<input name="param.COUNT" type="number" step="any" value="3">' in page
    assert '<input name="param.NOTE" value="">' in page
    assert 'value="main"' in page


def test_form_of_a_branch_without_runs_is_that_of_another(member: httpx.Client) -> None:
    assert 'name="param.WHERE"' in member.get(START, params={"branch": "new"}).text


def test_form_starts_a_run_and_leads_to_it(served: Service, member: httpx.Client) -> None:
    fields = {"param.WHERE": "eu", "param.NOTE": "", "others": "MORE=1", "workflows": "build test", "branch": "dev"}
    assert post(member, START, **fields) == "/acme/web/runs/2"
    event = latest(served)
    assert (event.kind, event.branch, event.sender) == (EventKind.MANUAL, "dev", "grace")
    assert (event.params, event.workflows) == ({"MORE": "1", "WHERE": "eu"}, ("build", "test"))


@pytest.mark.parametrize("form", [{"others": "MORE"}, {"branch": "a b"}, {"branch": "x", "tag": "v1"}])
def test_form_that_can_not_be_meant_is_answered_with_one_line(
    served: Service, member: httpx.Client, form: dict[str, str]
) -> None:
    answer = member.post(START, data=form)
    assert (answer.status_code, "expected" in answer.text or "give" in answer.text) == (400, True)
    assert served.count("runs") == 1


def test_run_that_has_ended_is_deployed_from_its_page(served: Service, member: httpx.Client) -> None:
    assert 'action="/acme/web/runs/1/deploy"' in served.client.get("/acme/web/runs/1").text
    where = post(member, "/acme/web/runs/1/deploy", environment="production", task="", others="")
    assert where == "/acme/web/runs/2"
    deployment = latest(served).deployment
    assert deployment
    assert deployment.target == "production"
    assert "/runs/2/deploy" not in served.client.get("/acme/web/runs/2").text, "it goes on"


def test_what_failed_is_offered_to_be_run_again(service: Service) -> None:
    repository = service.add_repository()
    for status in (Status.FAILURE, Status.SUCCESS):
        story = service.add_run(repository, EVENT)
        story.plan(job("build", step("make")))
        story.start_job("build")
        story.finish_job("build", status)
    assert 'data-action="failed"' in service.client.get("/acme/web/runs/1").text
    assert 'data-action="failed"' not in service.client.get("/acme/web/runs/2").text


def shown(service: Service) -> Any:
    return service.client.get("/api/repositories/acme/web/schedules").json()["schedules"]


def test_administrator_keeps_schedules_on_their_page(served: Service, administrator: httpx.Client) -> None:
    browser = administrator
    assert "No schedule yet" in browser.get(PAGE).text
    assert post(browser, PAGE, **NIGHTLY) == PAGE
    page = browser.get(PAGE).text
    assert "30 2 * * *" in page
    assert len(re.findall(r"<small>\w{3} \d\d \w{3} 02:30 CES?T</small>", page)) == 3, "by the clocks there"
    assert shown(served)[0]["params"] == {"DEPTH": "full", "WHERE": "eu", "NOTE": "a=b"}
    post(browser, f"{PAGE}/nightly/disable")
    assert "disabled" in browser.get(PAGE).text
    post(browser, f"{PAGE}/nightly/enable")
    assert shown(served)[0]["enabled"] is True
    assert post(browser, f"{PAGE}/nightly/run") == "/acme/web/runs/2"
    assert latest(served).sender == "root"
    assert 'href="/acme/web/runs/2"' in browser.get(PAGE).text
    assert browser.post(f"{PAGE}/nightly/explode").status_code == 404
    post(browser, f"{PAGE}/nightly/remove")
    assert shown(served) == []


def test_member_sees_schedules_and_runs_them_but_is_offered_no_change(
    member: httpx.Client, administrator: httpx.Client
) -> None:
    post(administrator, PAGE, **NIGHTLY)
    page = member.get(PAGE).text
    assert f"{PAGE}/nightly/run" in page
    assert f"{PAGE}/nightly/remove" not in page
    assert "Add one" not in page
    assert member.post(f"{PAGE}/nightly/remove").status_code == 403


def test_schedule_with_a_value_that_its_workflow_does_not_take_is_refused(administrator: httpx.Client) -> None:
    answer = administrator.post(PAGE, data={**NIGHTLY, "others": "WHERE=moon"})
    assert answer.status_code == 422
    assert "params.WHERE" in answer.text


def test_schedule_that_can_not_be_meant_is_answered_with_one_line(administrator: httpx.Client) -> None:
    answer = administrator.post(PAGE, data={**NIGHTLY, "cron": "61 * * * *"})
    assert answer.status_code == 400
    assert "&#39;61&#39; is no minute" in answer.text
