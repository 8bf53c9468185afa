"""What runs and jobs have said of them, and what of it counts."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from pipelines.event import Deployment, Event, EventKind, PullRequest
from pipelines.status import Status
from tests.worker.statuses.world import EVENT, World, reruns
from worker.statuses.commitstatus import Told
from worker.statuses.wording import context_of_run, phrase, ref_at_forge
from worker.store import approvals, history, outbox, repositories
from worker.store.database import Database
from worker.store.outbox import LetterState
from worker.trust import Approval

RUN = "headrace/push"
JOB = "headrace/push/build"


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.add("https://github.example.org")
    return world


def statuses(world: World) -> dict[str, str]:
    return {context: status for context, (status, _) in world.letters().items()}


def test_run_and_jobs_are_told_of_from_their_beginning_to_their_end(world: World) -> None:
    run = world.begin()
    assert statuses(world) == {RUN: "pending"}
    run.plan("build", left_out=("deploy",))
    assert statuses(world) == {RUN: "running", JOB: "pending"}
    run.start("build")
    assert statuses(world) == {RUN: "running", JOB: "running"}
    run.finish("build", Status.FAILURE, "step make: exit code 1")
    assert statuses(world) == {RUN: "failure", JOB: "failure"}
    assert world.texts()[JOB] == "failed after 12 s: step make: exit code 1"


@pytest.mark.parametrize(
    ("told", "contexts"), [(Told.BOTH, {RUN, JOB}), (Told.RUN, {RUN}), (Told.JOBS, {JOB}), (Told.NONE, set())]
)
def test_what_is_told_of_is_the_repositorys_choice(world: World, told: Told, contexts: set[str]) -> None:
    world.tell_only(told)
    world.begin().do_all()
    assert set(statuses(world)) == contexts


def test_without_a_token_nothing_is_written(database: Database) -> None:
    world = World(database)
    world.add("https://github.example.org", token="")
    world.begin().do_all()
    assert world.letters() == {}


def test_status_and_word_of_it_come_true_together_or_not_at_all(world: World) -> None:
    run = world.begin()

    def cancel_in_vain() -> None:
        with world.database.write() as connection:
            history.cancel(connection, run.id, "enough")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cancel_in_vain()
    assert statuses(world) == {RUN: "pending"}


def test_abbreviated_commit_is_told_of_once_it_is_known_in_full(world: World) -> None:
    run = world.begin(msgspec.structs.replace(EVENT, sha="b" * 12))
    assert world.letters() == {}
    run.event = EVENT
    run.plan("build")
    assert statuses(world) == {RUN: "running", JOB: "pending"}


def test_later_run_of_the_same_commit_takes_over(world: World) -> None:
    first = world.begin()
    first.plan("build")
    second = world.begin(reruns(EVENT))
    assert statuses(world)[RUN] == "pending"
    first.start("build")
    first.finish("build", Status.FAILURE)
    assert statuses(world)[RUN] == "pending", "the first run's end comes too late"
    second.do_all()
    assert statuses(world) == {RUN: "success", JOB: "success"}


def test_end_stays_whatever_the_same_run_says_later(world: World) -> None:
    run = world.begin()
    run.do_all()
    said = letter(world).said
    with world.database.write() as connection:
        for status in (Status.RUNNING, Status.PENDING, Status.FAILURE):
            outbox.put(connection, replace(said, status=status))
    assert statuses(world)[RUN] == "success"


def letter(world: World) -> outbox.Letter:
    with world.database.read() as reading:
        (letter_id, *_) = outbox.letters_of(reading, 1, limit=10)
        found = outbox.waiting(reading, letter_id)
    assert found
    return found


def test_newer_version_still_waits_when_an_older_one_was_taken(world: World) -> None:
    run = world.begin()
    old = letter(world)
    run.plan("build")
    with world.database.write() as connection:
        outbox.note_end(connection, old, LetterState.TAKEN)
    assert world.letters()[RUN] == ("running", "waiting")


def test_newer_version_waits_as_long_as_the_older_one_would_have(world: World) -> None:
    run = world.begin()
    with world.database.write() as connection:
        outbox.note_delay(connection, letter(world), timedelta(minutes=5))
    run.plan("build")
    with world.database.read() as connection:
        assert len(outbox.letters_of(connection, 1, limit=10)) == 1, "the job's alone is due"


def test_clock_that_was_set_back_keeps_nothing_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin()
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "from_now", lambda _: "2099-01-01T00:00:00.000Z")
        with world.database.write() as connection:
            outbox.note_delay(connection, letter(world), timedelta(seconds=1))
    with world.database.read() as connection:
        assert outbox.letters_of(connection, 1, limit=10)


def test_letters_go_with_their_repository(world: World) -> None:
    world.begin().do_all()
    with world.database.write() as connection:
        repositories.remove(connection, "acme", "web")
    assert world.letters() == {}


def test_run_that_waits_for_approval_says_so(world: World) -> None:
    with world.database.write() as connection:
        repositories.set_approval(connection, "acme", "web", Approval.ALL)
    run = world.begin()
    assert statuses(world) == {RUN: "blocked"}
    assert world.texts()[RUN] == "waits for approval: every run of this repository does"
    with world.database.write() as connection:
        approvals.approve(connection, run.id, "ada")
    assert statuses(world) == {RUN: "pending"}


@pytest.mark.parametrize(
    ("event", "context", "ref"),
    [
        (EVENT, "headrace/push", "main"),
        (Event(kind=EventKind.TAG, ref="refs/tags/v1"), "headrace/tag", "v1"),
        (Event(kind=EventKind.CRON, cron="nightly", branch="main"), "headrace/cron/nightly", "main"),
        (Event(kind=EventKind.DEPLOYMENT, deployment=Deployment(target="live")), "headrace/deployment/live", ""),
        (
            Event(
                kind=EventKind.PULL_REQUEST,
                ref="refs/merge-requests/7/head",
                branch="main",
                pull_request=PullRequest(number=7, source_branch="fix", from_fork=False),
            ),
            "headrace/pull_request",
            "fix",
        ),
        (
            Event(
                kind=EventKind.PULL_REQUEST,
                ref="refs/merge-requests/7/head",
                branch="main",
                pull_request=PullRequest(number=7, source_branch="main", from_fork=True),
            ),
            "headrace/pull_request",
            "refs/merge-requests/7/head",
        ),
    ],
)
def test_names_tell_apart_what_may_be_said_of_one_commit(event: Event, context: str, ref: str) -> None:
    assert context_of_run(event) == context
    assert ref_at_forge(event) == ref


def test_phrases_say_how_long_and_why() -> None:
    assert phrase(Status.SUCCESS, reason="whatever", duration_ms=200_000) == "succeeded in 3 min 20 s"
    assert phrase(Status.TIMED_OUT, duration_ms=60_000) == "timed out after 1 min 0 s"
    assert phrase(Status.LOST, reason="gone", duration_ms=1) == "was lost: gone"
    assert all(phrase(status) for status in Status)
