"""Schedules over the API, and by the commands that speak to it."""

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pipelines.details import Parameter
from pipelines.event import Event, EventKind
from runner.commands import schedule
from runner.errors import UsageError
from tests.worker.conftest import Service, job
from worker.access.identity import Scope
from worker.store import queries

PATH = "/api/repositories/acme/web/schedules"
NIGHTLY = {"name": "nightly", "cron": "30 2 * * mon-fri", "time_zone": "Europe/Berlin"}


def add(service: Service, **wanted: Any) -> dict[str, Any]:
    answer = service.client.post(PATH, json={**NIGHTLY, **wanted})
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


@pytest.fixture
def served(service: Service) -> Service:
    """A server with a repository."""
    service.add_repository()
    return service


def test_schedule_is_shown_with_its_next_three_times(served: Service) -> None:
    added = add(served, branch="dev", params={"DEPTH": "full"})
    assert (added["branch"], added["params"], added["enabled"]) == ("dev", {"DEPTH": "full"}, True)
    assert len(added["next_times"]) == 3
    assert added["next_times"] == sorted(added["next_times"])
    assert (added["last_at"], added["last_run"], added["trouble"]) == (None, None, "")
    assert served.client.get(f"{PATH}/nightly").json() == added
    assert served.client.get(PATH).json()["schedules"] == [added]


def test_what_is_given_is_changed_and_the_rest_stays(served: Service) -> None:
    added = add(served, branch="dev")
    changed = served.client.patch(f"{PATH}/nightly", json={"cron": "@daily"}).json()
    assert (changed["cron"], changed["branch"], changed["time_zone"]) == ("@daily", "dev", "Europe/Berlin")
    assert changed["next_times"] != added["next_times"]
    disabled = served.client.patch(f"{PATH}/nightly", json={"enabled": False}).json()
    assert (disabled["enabled"], disabled["next_times"], disabled["cron"]) == (False, [], "@daily")


def test_schedule_that_is_removed_is_gone(served: Service) -> None:
    add(served)
    assert served.client.delete(f"{PATH}/nightly").status_code == 204
    assert served.client.get(f"{PATH}/nightly").status_code == 404
    assert served.client.delete(f"{PATH}/nightly").status_code == 404


def test_schedule_runs_now_in_the_callers_name_and_shows_it(served: Service) -> None:
    added = add(served)
    run = served.client.post(f"{PATH}/nightly/run", json={}).json()
    assert (run["event"]["kind"], run["event"]["sender"], run["event"]["branch"]) == ("cron", "ada", "main")
    assert served.announced.is_set(), "the dispatcher hears of it at once"
    shown = served.client.get(f"{PATH}/nightly").json()
    assert shown["next_times"] == added["next_times"]
    assert (shown["last_run"]["id"], shown["last_run"]["status"]) == (run["id"], "pending")
    assert shown["last_run"]["url"] == run["url"]


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"cron": "61 * * * *"}, "'61' is no minute: expected 0 to 59"),
        ({"cron": ""}, "has 0 fields"),
        ({"time_zone": "Europe/Berln"}, "did you mean Europe/Berlin?"),
        ({"branch": "a b"}, "branch"),
        ({"params": {"CI_X": "1"}}, "Headrace's own"),
        ({"name": "a b"}, "name"),
        ({"name": "../x"}, "name"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_one_line(served: Service, wanted: dict[str, Any], complaint: str) -> None:
    answer = served.client.post(PATH, json={**NIGHTLY, **wanted})
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]
    assert served.client.get(PATH).json()["schedules"] == []


def test_name_is_taken_once(served: Service) -> None:
    add(served)
    assert served.client.post(PATH, json=NIGHTLY).status_code == 409


def test_member_runs_a_schedule_and_changes_none(served: Service) -> None:
    add(served)
    headers = {"authorization": f"Bearer {served.new_token(Scope.WRITE)}"}
    assert served.client.post(f"{PATH}/nightly/run", json={}, headers=headers).status_code == 201
    assert served.client.patch(f"{PATH}/nightly", json={}, headers=headers).status_code == 403
    assert served.client.post(PATH, json={**NIGHTLY, "name": "other"}, headers=headers).status_code == 403


def headrace(service: Service, *arguments: str) -> str:
    environment = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    done = CliRunner().invoke(
        schedule.command, arguments, env=environment, catch_exceptions=False, standalone_mode=False
    )
    assert done.return_value == 0
    return done.stdout + done.stderr


def test_commands_do_all_of_that(served: Service) -> None:
    assert "no schedule yet" in headrace(served, "list", "acme/web")
    flags = ("--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--branch", "dev", "--param", "DEPTH=full")
    assert "nightly comes next at 20" in headrace(served, "add", "acme/web", "nightly", *flags)
    assert re.match(
        r"nightly  30 2 \* \* \*  Europe/Berlin  dev  20\S+Z  no run\n", headrace(served, "list", "acme/web")
    )
    assert "nightly is disabled" in headrace(served, "disable", "acme/web", "nightly")
    assert "  disabled  no run" in headrace(served, "list", "acme/web")
    assert "comes next at" in headrace(served, "enable", "acme/web", "nightly")
    assert "comes next at" in headrace(served, "change", "acme/web", "nightly", "--cron", "@daily", "--branch", "")
    run_id = headrace(served, "run-now", "acme/web", "nightly").split()[0]
    with served.database.read() as connection:
        event = queries.run_with_id(connection, run_id).event
    assert (event.kind, event.cron, event.params, event.branch) == (
        EventKind.CRON, "nightly", {"DEPTH": "full"}, "main",
    )  # fmt: skip
    shown = headrace(served, "show", "acme/web", "nightly").splitlines()
    assert shown[:3] == ["times     @daily (Europe/Berlin)", "branch    (default branch)", "param     DEPTH=full"]
    assert [line[:6] for line in shown[3:]] == ["next  ", "next  ", "next  ", "last  "]
    assert shown[-1].endswith("#1 pending")
    assert json.loads(headrace(served, "show", "acme/web", "nightly", "--output", "json"))["name"] == "nightly"
    assert [each["name"] for each in json.loads(headrace(served, "list", "acme/web", "--output", "json"))] == [
        "nightly"
    ]
    assert "has no schedule nightly any more" in headrace(served, "remove", "acme/web", "nightly")


def test_command_says_in_one_line_what_the_server_refuses(served: Service) -> None:
    with pytest.raises(UsageError, match="400: cron: '61' is no minute"):
        headrace(served, "add", "acme/web", "nightly", "--cron", "61 * * * *")
    with pytest.raises(UsageError, match="404: acme/web has no schedule nightly"):
        headrace(served, "show", "acme/web", "nightly")


def test_params_that_the_branch_s_files_do_not_take_are_refused_when_they_are_given(service: Service) -> None:
    """Not by the first run, some night."""
    repository = service.add_repository()
    pushed = Event(kind=EventKind.PUSH, ref="refs/heads/main", branch="main", sha="1" * 40)
    asking = replace(job("a"), params={"COUNT": Parameter(type="number")})
    service.add_run(repository, pushed).plan(asking)
    wanted = {**NIGHTLY, "branch": "main", "params": {"COUNT": "many"}}
    refused = service.client.post(PATH, json=wanted)
    complaint = {"field": "params.COUNT", "detail": "must be a number, not 'many'"}
    assert (refused.status_code, refused.json()["errors"]) == (422, [complaint])
    assert service.client.get(PATH).json()["schedules"] == []
    add(service, branch="main", params={"COUNT": "3"})
    changed = service.client.patch(f"{PATH}/nightly", json={"params": {"COUNT": "few"}})
    assert (changed.status_code, changed.json()["errors"][0]["field"]) == (422, "params.COUNT")
    assert service.client.get(f"{PATH}/nightly").json()["params"] == {"COUNT": "3"}
