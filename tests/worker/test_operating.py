"""What those see who run the server: its health, its metrics, and its log of requests."""

import asyncio
import errno
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.conftest import Service, job, serving, step
from worker.context import Backstage
from worker.errors import SettingsError
from worker.live import Live
from worker.metrics import Family, exposition
from worker.pulse import Pulse
from worker.service import background
from worker.settings import Settings
from worker.store.database import Database


def metrics(service: Service) -> list[str]:
    answer = service.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text.splitlines()


def test_server_that_gives_nothing_out_is_not_ready_and_yet_well(service: Service) -> None:
    assert service.client.get("/readyz").json() == {"status": "ok"}
    service.trouble.append("Redis does not answer")
    answer = service.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "waiting", "reason": "Redis does not answer"}
    assert service.client.get("/healthz").status_code == 200
    assert "headrace_ready 0" in metrics(service)


def test_runs_that_have_not_ended_are_counted(service: Service) -> None:
    repository = service.add_repository()
    service.add_run(repository)
    story = service.add_run(repository)
    story.plan(job("build", step("make")))
    lines = metrics(service)
    assert 'headrace_runs{status="pending"} 1' in lines
    assert 'headrace_runs{status="running"} 1' in lines
    [waiting] = [line for line in lines if line.startswith("headrace_longest_wait_seconds ")]
    assert 0 < float(waiting.split()[1]) < 60


def test_statuses_that_wait_for_their_forge_are_counted(service: Service) -> None:
    repository = service.add_repository(forge="github")
    assert "headrace_statuses_waiting 0" in metrics(service)
    path = "/api/repositories/acme/web/credentials/forge_token"
    assert service.client.put(path, json={"value": "token"}).status_code == 200
    service.add_run(repository)
    assert "headrace_statuses_waiting 1" in metrics(service)


def test_requests_are_counted_by_route_and_not_by_path(service: Service) -> None:
    """A stranger can't fill our memory with names."""
    for number in range(5):
        service.client.get(f"/api/runs/none{number}")
        service.client.request(f"ODD{number}", "/static/nothing")
    lines = metrics(service)
    counted = 'headrace_http_answer_seconds_count{method="GET",route="/api/runs/{run_id}",status="404"} 5'
    assert counted in lines
    assert not [line for line in lines if "none" in line or "ODD" in line]


def test_every_metric_has_a_meaning_and_a_kind(service: Service) -> None:
    service.client.get("/api/runs")
    lines = metrics(service)
    described = {line.split()[2] for line in lines if line.startswith("# HELP")}
    assert described == {line.split()[2] for line in lines if line.startswith("# TYPE")}
    names = {line.partition("{")[0].split()[0] for line in lines if not line.startswith("#")}
    assert {name.removesuffix("_sum").removesuffix("_count") for name in names} == described


def test_label_can_not_break_out_of_its_quotes() -> None:
    hostile = Family(name="x", kind="gauge", meaning="X.", samples=[("", {"a": 'b"} 1\nevil 2 \\'}, 0.5)])
    assert exposition([hostile]) == '# HELP x X.\n# TYPE x gauge\nx{a="b\\"} 1\\nevil 2 \\\\"} 0.5\n'


def requests_logged(logged: list[Any]) -> list[dict[str, Any]]:
    return [dict(entry) for entry in logged if entry["event"] == "request"]


def test_request_is_logged_with_who_asked_and_what_came_of_it(logging_service: Service) -> None:
    with capture_logs() as logged:
        logging_service.client.get("/api/runs?limit=1")
        wait_until(lambda: requests_logged(logged), what="the request to be logged")
    [entry] = requests_logged(logged)
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/api/runs", 200)
    assert (entry["account"], entry["client"]) == ("ada", "127.0.0.1")
    assert entry["size_bytes"] == len(logging_service.client.get("/api/runs?limit=1").content)


def test_path_of_a_stranger_can_not_break_a_line_of_the_log(logging_service: Service) -> None:
    with capture_logs() as logged, logging_service.visitor() as browser:
        browser.get("/x%0a%1b%5b2Jforged")
        wait_until(lambda: requests_logged(logged), what="the request to be logged")
    [entry] = requests_logged(logged)
    assert entry["path"] == "/x%0a%1b%5b2Jforged"


def test_requests_are_not_logged_if_that_is_not_wanted(tmp_path: Path) -> None:
    with serving(tmp_path, access_log="off") as service, capture_logs() as logged:
        service.client.get("/api/runs")
    assert requests_logged(logged) == []


def test_log_of_requests_follows_the_form_of_the_log_unless_it_is_set() -> None:
    assert Settings.build({}).access_log == "off"
    assert Settings.build({}, log_format="json").access_log == "on"
    assert Settings.build({"HEADRACE_ACCESS_LOG": "on"}).access_log == "on"
    with pytest.raises(SettingsError, match=r"HEADRACE_ACCESS_LOG is 'yes': expected on or off"):
        Settings.build({"HEADRACE_ACCESS_LOG": "yes"})


@pytest.mark.redis
def test_service_is_in_trouble_while_redis_is_away(service: Service, redis: PrivateRedis) -> None:
    settings = Settings.build({}, data=str(service.settings.data), redis_url=redis.url)

    async def look() -> tuple[str, str]:
        async with background(settings, service.database, service.storage)(Live()) as backstage:
            assert isinstance(backstage, Backstage)
            before = backstage.trouble()
            redis.stop()
            during = backstage.trouble()
            redis.start()
            return before, during

    assert asyncio.run(look()) == ("", "Redis does not answer")


def test_server_that_can_keep_nothing_is_not_well(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is still read: only to try tells."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    reason = f"can't write in {service.settings.data}: No space left on device"
    for path, status in (("/healthz", "failing"), ("/readyz", "waiting")):
        answer = service.client.get(path)
        assert (answer.status_code, answer.json()) == (503, {"status": status, "reason": reason})
    assert "headrace_ready 0" in metrics(service)


def test_server_whose_database_others_hold_is_not_well(service: Service) -> None:
    with closing(Database(service.settings.database_url)) as others, others.write():
        answer = service.client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["reason"].startswith("the database does not answer: ")


def test_trial_holds_for_some_seconds_and_trouble_is_logged_when_it_begins_and_ends(
    service: Service, tmp_path: Path
) -> None:
    """However many ask, and whoever they are."""
    moments = iter([0.0, 0.0, 1.0, 5.0, 5.0, 10.0, 10.0, 15.0, 15.0])
    data = tmp_path / "disk"
    data.mkdir()
    pulse = Pulse(service.database, data, clock=lambda: next(moments))
    with capture_logs() as logged:
        first, soon = pulse.trouble(), pulse.trouble()
        still_there = data.rename(tmp_path / "away")
        gone = [pulse.trouble(), pulse.trouble()]
        still_there.rename(data)
        back = pulse.trouble()
    assert (first, soon, back) == ("", "", "")
    assert gone == [f"can't write in {data}: No such file or directory"] * 2
    assert [line["event"] for line in logged] == [
        "deliveries are refused: can't keep them",
        "deliveries can be kept again",
    ]
