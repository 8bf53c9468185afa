"""What a worker is told of a run: its event, with what our own records know."""

import pytest

from pipelines.event import Event, EventKind, Repository
from pipelines.variables import event_variables
from worker.orders import order_of
from worker.secrets.sealing import Keyring
from worker.store import inbox, repositories, tasks
from worker.store.database import Database

pytestmark = pytest.mark.usefixtures("acme_web")

SERVER = "https://ci.example.org"


def ordered(database: Database, event: Event) -> Event:
    """The event of the order to plan a new run of this one."""
    with database.write() as connection:
        run = inbox.add_run(connection, repositories.named(connection, "acme", "web"), event)
        task = tasks.find(connection, f"{run.id}-plan-1")
        assert task is not None
        return order_of(connection, task, Keyring.fresh(), server_url=SERVER).event


def push(branch: str, sha: str) -> Event:
    repository = Repository(owner="acme", name="web")
    return Event(branch=branch, ref=f"refs/heads/{branch}", sha=sha * 40, repository=repository, message=f"to {branch}")


def test_run_knows_the_last_one_of_its_branch(database: Database) -> None:
    ordered(database, push("main", "a"))
    ordered(database, push("main", "b"))
    ordered(database, push("dev", "c"))
    found = event_variables(ordered(database, push("main", "d")))
    assert found["CI_PREV_COMMIT_SHA"] == "b" * 40
    assert found["CI_PREV_COMMIT_MESSAGE"] == "to main"
    assert (found["CI_PREV_PIPELINE_NUMBER"], found["CI_PREV_PIPELINE_STATUS"]) == ("2", "pending")
    assert found["CI_PREV_PIPELINE_URL"] == f"{SERVER}/acme/web/runs/2"
    assert found["CI_PREV_PIPELINE_EVENT"] == EventKind.PUSH.value


def test_first_run_of_a_branch_has_none_before_it(database: Database) -> None:
    ordered(database, push("main", "a"))
    assert ordered(database, push("dev", "b")).previous is None
