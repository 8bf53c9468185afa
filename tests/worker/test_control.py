"""Cancelling a run and running one again, over a real socket."""

import pytest

from pipelines.status import Status
from tests.worker.conftest import Service, job, step
from worker.store import queries


def test_cancelled_run_says_why(service: Service) -> None:
    story = service.add_run(service.add_repository())
    answer = service.client.post(f"/api/runs/{story.run.id}/cancel", json={"reason": "a  newer\npush"})
    assert answer.status_code == 202
    assert service.announced.is_set(), "the dispatcher hears of it at once"
    shown = service.client.get(f"/api/runs/{story.run.id}").json()
    assert (shown["status"], shown["reason"]) == ("cancelled", "a newer push")


def test_cancel_of_a_run_that_has_ended_is_answered_409(service: Service) -> None:
    story = service.add_run(service.add_repository())
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.finish_job("build", Status.SUCCESS)
    answer = service.client.post(f"/api/runs/{story.run.id}/cancel", json={})
    assert answer.status_code == 409
    assert "has ended already" in answer.json()["detail"]


def test_run_again_is_a_new_run_of_the_same_event(service: Service) -> None:
    story = service.add_run(service.add_repository())
    answer = service.client.post("/api/runs", json={"again": story.run.id})
    assert answer.status_code == 201
    again = answer.json()
    assert (again["number"], again["status"]) == (2, "pending")
    assert again["event"] == service.client.get(f"/api/runs/{story.run.id}").json()["event"]
    with service.database.read() as connection:
        assert queries.run_with_id(connection, again["id"]).event.parent == 1
    assert service.announced.is_set()


def test_unknown_run_is_answered_404(service: Service) -> None:
    assert service.client.post("/api/runs/nope/cancel", json={}).status_code == 404
    assert service.client.post("/api/runs", json={"again": "nope"}).status_code == 404


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_page_of_another_site_can_send_changes_nothing(service: Service, content_type: str) -> None:
    """A browser sends these anywhere without asking first; JSON it doesn't."""
    story = service.add_run(service.add_repository())
    headers = {"content-type": content_type} if content_type else {}
    for path, body in ((f"/api/runs/{story.run.id}/cancel", "{}"), ("/api/runs", f'{{"again": "{story.run.id}"}}')):
        answer = service.client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 415, 422), answer.text
    assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "pending"
    assert service.count("runs") == 1


def test_nothing_changes_by_looking(service: Service) -> None:
    story = service.add_run(service.add_repository())
    assert service.client.get(f"/api/runs/{story.run.id}/cancel").status_code in (404, 405)
    assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "pending"
