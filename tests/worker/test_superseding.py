"""Which runs a newer push ends, and which it doesn't."""

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest
from tests.worker.conftest import EVENT, Service, Story, job
from worker.commands.repo_turns import turns_command
from worker.store import repositories
from worker.store.repositories import StoredRepository
from worker.superseding import Supersede, ends_older, line_of

PUSH = Event(ref="refs/heads/feature", branch="feature", sha="a" * 40)
TO_MAIN = replace(PUSH, ref="refs/heads/main", branch="main")
REQUEST = Event(
    kind=EventKind.PULL_REQUEST, ref="refs/pull/7/head", branch="main", pull_request=PullRequest(number=7), sha="a" * 40
)


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    return service.add_repository()


def shown(service: Service, story: Story) -> tuple[str, str]:
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    return run["status"], run["reason"]


@pytest.mark.parametrize(
    ("policy", "ended"),
    [
        (Supersede.NONE, []),
        (Supersede.PULL_REQUESTS, [REQUEST]),
        (Supersede.BRANCHES, [REQUEST, PUSH]),
        (Supersede.ALL, [REQUEST, PUSH, TO_MAIN]),
    ],
)
def test_policy_says_whose_place_a_newer_run_takes(policy: Supersede, ended: list[Event]) -> None:
    events = [REQUEST, PUSH, TO_MAIN]
    assert [event for event in events if ends_older(policy, event, default_branch="main")] == ended


@pytest.mark.parametrize("kind", [EventKind.TAG, EventKind.MANUAL, EventKind.CRON, EventKind.RELEASE])
def test_other_events_stand_for_themselves(kind: EventKind) -> None:
    assert line_of(replace(PUSH, kind=kind)) == ""
    assert not ends_older(Supersede.ALL, replace(PUSH, kind=kind), default_branch="main")


def test_run_again_takes_nobodys_place() -> None:
    """Whoever runs last week's commit again does not want today's to end."""
    assert not ends_older(Supersede.ALL, replace(PUSH, parent=3), default_branch="main")


@pytest.mark.parametrize("branch", ["main", "master"])
def test_usual_name_counts_as_default_branch_where_that_is_unknown(branch: str) -> None:
    event = replace(PUSH, branch=branch)
    assert not ends_older(Supersede.BRANCHES, event, default_branch="")
    assert ends_older(Supersede.BRANCHES, event, default_branch="trunk")


def test_newer_push_ends_what_waits_and_says_which_run_it_is(service: Service, repository: StoredRepository) -> None:
    first = service.add_run(repository, PUSH)
    other = service.add_run(repository, replace(PUSH, ref="refs/heads/other", branch="other"))
    service.add_run(repository, replace(PUSH, sha="b" * 40))
    planned = service.add_run(repository, REQUEST)
    planned.plan(job("build"))
    service.add_run(repository, replace(REQUEST, sha="b" * 40))
    assert _cancel_reasons(service, planned) == ["run 5 is of a newer push"]
    assert shown(service, other)[0] == "pending"
    with service.database.read() as connection:
        assert repositories.named(connection, "acme", "web").supersede is Supersede.BRANCHES
    assert "run 3 is of a newer push" in str(_cancel_reasons(service, first))


def test_default_branch_is_built_commit_by_commit(service: Service, repository: StoredRepository) -> None:
    first = service.add_run(repository, EVENT)
    service.add_run(repository, replace(EVENT, sha="c" * 40))
    assert shown(service, first)[0] == "pending"
    service.client.patch("/api/repositories/acme/web", json={"supersede": "all"}).raise_for_status()
    service.add_run(_again(service), replace(EVENT, sha="d" * 40))
    assert "run 3 is of a newer push" in str(_cancel_reasons(service, first))


def _again(service: Service) -> StoredRepository:
    with service.database.read() as connection:
        return repositories.named(connection, "acme", "web")


def _cancel_reasons(service: Service, story: Story) -> list[str]:
    """What the dispatcher is to act on."""
    with service.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, cancel_reason FROM runs").all()
    return [reason for run_id, reason in rows if run_id == story.run.id]


def test_turns_of_a_repository_are_set_and_shown(service: Service, repository: StoredRepository) -> None:
    wanted = {"priority": 7, "max_runs": 2, "supersede": "none"}
    answer = service.client.patch(f"/api/repositories/{repository.full_name}", json=wanted).json()
    assert {key: answer[key] for key in wanted} == wanted
    service.client.patch(f"/api/repositories/{repository.full_name}", json={"max_runs": 0}).raise_for_status()
    [shown_now] = service.client.get("/api/repositories").json()["repositories"]
    assert (shown_now["max_runs"], shown_now["priority"]) == (None, 7)
    assert service.client.patch("/api/repositories/acme/web", json={"priority": 9999}).status_code in (400, 422)


def test_turns_are_set_and_shown_on_the_servers_machine(service: Service, repository: StoredRepository) -> None:
    def turns(*options: str) -> str:
        environment = service.settings.as_environment()
        given = [repository.full_name, *options]
        return CliRunner().invoke(turns_command, given, env=environment, catch_exceptions=False).stdout

    assert turns() == "priority 0, any number of runs at once, newer pushes end older runs of: branches\n"
    said = turns("--priority", "-5", "--max-runs", "2", "--supersede", "none")
    assert said == turns() == "priority -5, 2 runs at once, newer pushes end older runs of: none\n"
    assert "any number of runs" in turns("--max-runs", "0")
