"""The courier: every forge hears the end of everything once, in order, whatever it does meanwhile."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import structlog
from sqlalchemy import delete

from pipelines.status import Status
from tests.waiting import wait_until
from tests.worker.statuses.fakeforge import (
    TOKEN,
    FakeForge,
    Misbehaviour,
    answers,
    drips,
    fake_forge,
    garbage,
    hangs,
    huge,
    redirects,
    resets,
    takes_and_resets,
)
from tests.worker.statuses.world import EVENT, QUICK, URL, World, reruns
from worker.statuses.dialects import DIALECTS
from worker.statuses.pace import Holds, Pace
from worker.store import outbox
from worker.store.database import Database
from worker.store.tables import credentials

NEVER = timedelta(hours=1)
"""How long to wait for a forge that hangs."""
RUN = "headrace/push"
JOB = "headrace/push/build"
GREEN = {name: "SUCCESSFUL" if name == "bitbucket" else "success" for name in DIALECTS}
every_forge = pytest.mark.parametrize("name", DIALECTS)


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with fake_forge() as server:
        yield server


@pytest.fixture
def world(database: Database, forge: FakeForge) -> World:
    world = World(database)
    world.add(forge.url)
    return world


@every_forge
def test_every_forge_hears_of_run_and_job_in_order(database: Database, forge: FakeForge, name: str) -> None:
    world = World(database)
    world.add(forge.url, forge=name)
    with world.telling():
        run = world.begin()
        wait_until(world.is_told, what="the run is told")
        run.plan("build")
        wait_until(world.is_told, what="the plan is told")
        run.start("build")
        wait_until(world.is_told, what="the start is told")
        run.finish("build")
        wait_until(world.is_told, what="the end is told")
    for context in (RUN, JOB):
        assert forge.states(context)[-1] == GREEN[name]
        assert forge.states(context).count(GREEN[name]) == 1
    assert {taken.url for taken in forge.taken} == {f"{URL}/acme/web/runs/1"}
    assert [seen.status for seen in forge.seen if seen.status != 201] == []


@every_forge
@pytest.mark.parametrize("misbehaviour", [answers(500), answers(429), hangs, drips, resets, garbage, huge])
def test_forge_that_recovers_hears_each_end_once(
    database: Database, forge: FakeForge, name: str, misbehaviour: Misbehaviour
) -> None:
    world = World(database)
    world.add(forge.url, forge=name)
    forge.always = misbehaviour
    with world.telling():
        world.begin().do_all()
        wait_until(lambda: len(forge.seen) >= 1 or forge.at_once, what="the forge has failed")
        forge.always = None
        forge.over.set()
        wait_until(world.is_told, what="all is told")
    for context in (RUN, JOB):
        assert forge.states(context)[-1] == GREEN[name]
        assert forge.states(context).count(GREEN[name]) == 1


def test_run_is_not_slowed_by_a_forge_that_hangs(world: World, forge: FakeForge) -> None:
    forge.always = hangs
    with world.telling(Pace(look=QUICK.look, patience=NEVER)) as courier:
        world.begin().do_all()
        wait_until(lambda: forge.at_once, what="the forge is asked")
        world.begin(reruns(EVENT)).do_all()
        assert courier.is_alive()
        assert {status for status, _ in world.letters().values()} == {"success"}
        forge.over.set()


def test_one_at_a_time_a_repository_and_repositories_side_by_side(world: World, forge: FakeForge) -> None:
    for name in ("acme/b", "acme/c"):
        forge.repositories.add(name)
        world.add(forge.url, name=name)
    forge.always = hangs
    for name in ("acme/web", "acme/b", "acme/c"):
        world.begin(name=name).do_all()
    with world.telling(Pace(look=QUICK.look, patience=NEVER)):
        wait_until(lambda: forge.at_once == 3, what="each repository is served")
        assert forge.most_at_once == 3
        forge.always = None
        forge.over.set()
        wait_until(world.is_told)
    assert len(forge.taken) == 6


def test_status_from_before_a_restart_is_told_after_it(world: World, forge: FakeForge) -> None:
    forge.always = answers(503)
    with world.telling():
        world.begin().do_all()
        wait_until(lambda: forge.seen)
    forge.always = None
    with world.telling():
        wait_until(world.is_told)
    assert forge.states(RUN) == ["success"]


def test_server_that_ends_while_the_forge_hangs_tells_later(world: World, forge: FakeForge) -> None:
    forge.always = hangs
    world.begin().do_all()
    with world.telling(Pace(look=QUICK.look, patience=NEVER)):
        wait_until(lambda: forge.at_once)
        began = time.monotonic()
    assert time.monotonic() - began < NEVER.total_seconds() / 2, "it doesn't wait for the answer"
    forge.always = None
    with world.telling():
        wait_until(world.is_told)
    assert forge.states(RUN) == ["success"]


@every_forge
def test_answer_that_is_lost_has_the_status_told_again_and_no_more(
    database: Database, forge: FakeForge, name: str
) -> None:
    world = World(database)
    world.add(forge.url, forge=name)
    forge.plan.append(takes_and_resets)
    world.begin()
    with world.telling():
        wait_until(world.is_told)
    assert len(forge.seen) == 2
    assert forge.seen[1].status == (400 if name == "gitlab" else 201), "GitLab has it already"
    assert world.repository().status_trouble == ""


def test_forge_is_left_alone_for_as_long_as_it_asks(world: World, forge: FakeForge) -> None:
    world.add(forge.url, name="acme/other")
    forge.plan.append(answers(429, retry_after="3600"))
    world.begin().do_all()
    with world.telling():
        wait_until(lambda: forge.seen)
        world.begin(name="acme/other").do_all()
        world.begin(reruns(EVENT)).do_all()
        assert_stays(world, forge, requests=1)


def assert_stays(world: World, forge: FakeForge, *, requests: int) -> None:
    """Twenty more looks of a courier at the outbox send nothing."""
    deadline = time.monotonic() + 20 * QUICK.look.total_seconds()
    wait_until(lambda: time.monotonic() > deadline)
    assert len(forge.seen) == requests
    assert not world.is_told()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 302])
def test_refusal_is_told_once_and_not_tried_again(world: World, forge: FakeForge, status: int) -> None:
    forge.always = answers(status)
    with structlog.testing.capture_logs() as logs, world.telling():
        world.begin().do_all()
        wait_until(world.is_told, what="nothing waits")
    assert len(forge.seen) <= 6
    assert len({(seen.body["context"], seen.body["description"]) for seen in forge.seen}) == len(forge.seen)
    assert [entry["event"] for entry in logs] == ["the forge does not take statuses"]
    assert world.repository().status_trouble.startswith(f"github answers {status}")


def test_what_was_refused_is_told_once_the_token_is_good(world: World, forge: FakeForge) -> None:
    world.set_token("wrong")
    with structlog.testing.capture_logs() as logs, world.telling():
        world.begin().do_all()
        wait_until(lambda: set(world.letters().values()) == {("success", "refused")})
        world.set_token(TOKEN)
        wait_until(lambda: set(world.letters().values()) == {("success", "taken")})
    assert forge.states(RUN) == ["success"]
    assert world.repository().status_trouble == ""
    assert [entry["event"] for entry in logs][-1] == "the forge takes statuses again"


def test_token_is_in_no_log_record_or_row(world: World, forge: FakeForge) -> None:
    """Also not when the forge says it back, or can't be reached."""
    forge.plan += [answers(403, f'{{"message": "{TOKEN} is not good"}}'.encode()), resets, redirects(f"/{TOKEN}", 302)]
    with structlog.testing.capture_logs() as logs, world.telling():
        world.begin().do_all()
        wait_until(world.is_told)
    assert TOKEN not in str(logs)
    with world.database.read() as connection:
        for table in ("outbox", "repositories", "credentials"):
            assert TOKEN not in str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608
    assert forge.seen[0].authorization == f"Bearer {TOKEN}", "there was one"


def test_failure_that_passes_is_no_trouble_and_one_that_stays_is_said_once(world: World, forge: FakeForge) -> None:
    forge.plan += [answers(502), resets]
    with structlog.testing.capture_logs() as logs, world.telling():
        world.begin()
        wait_until(world.is_told)
        assert logs == []
        forge.always = answers(502)
        world.begin(reruns(EVENT)).do_all()
        wait_until(lambda: world.repository().status_trouble == "github answers 502: as planned")
        forge.always = None
        wait_until(lambda: not world.repository().status_trouble)
    assert [entry["log_level"] for entry in logs] == ["warning", "info"]


def test_token_that_is_gone_is_no_trouble_and_one_that_can_not_be_opened_is(world: World, forge: FakeForge) -> None:
    world.begin()
    with world.database.write() as connection:
        connection.execute(delete(credentials))
    with world.telling():
        wait_until(world.is_told)
    assert world.repository().status_trouble == "", "that is how it was set"
    world.set_token(TOKEN)
    world.keyring = type(world.keyring).fresh()
    with world.telling():
        wait_until(world.is_told)
    assert "needs the key" in world.repository().status_trouble
    assert forge.seen == []


def test_repository_whose_forge_is_nowhere_says_what_to_do(database: Database) -> None:
    world = World(database)
    world.add("", forge="gitlab")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE repositories SET clone_url = '/srv/web.git'")
    world.begin()
    with world.telling():
        wait_until(world.is_told)
    assert world.repository().status_trouble == "gitlab has no address: headrace repo set acme/web --forge-url URL"


def test_after_a_day_it_is_given_up(world: World, forge: FakeForge) -> None:
    forge.always = answers(500)
    world.begin().do_all()
    world.age(timedelta(hours=25))
    with world.telling():
        wait_until(world.is_told)
    assert {state for _, state in world.letters().values()} == {"given_up"}
    assert len(forge.seen) == 2
    assert world.repository().status_trouble.startswith("github answers 500")


def test_forge_that_is_away_is_not_asked_in_a_rush(world: World, forge: FakeForge) -> None:
    forge.always = answers(500)
    pace = Pace(look=QUICK.look, first_delay=timedelta(hours=1), longest_delay=timedelta(hours=1))
    for number in range(30):
        world.begin(EVENT if not number else reruns(EVENT)).do_all(f"job-{number}")
    with world.telling(pace):
        wait_until(lambda: forge.seen)
        assert_stays(world, forge, requests=1)


def test_delays_double_up_to_the_longest() -> None:
    pace = Pace(first_delay=timedelta(seconds=1), longest_delay=timedelta(minutes=5))
    delays = [pace.delay(failures).total_seconds() for failures in range(1, 12)]
    assert delays[:4] == [1, 2, 4, 8]
    assert all(before <= after for before, after in pairwise(delays))
    assert (delays[-1], pace.delay(10**6).total_seconds()) == (300, 300)


def test_hold_ends_with_a_success_and_begins_small_again() -> None:
    holds = Holds(Pace())
    assert [holds.note_failure("a", timedelta()).total_seconds() for _ in range(3)] == [1, 2, 4]
    assert holds.is_held("a")
    assert not holds.is_held("b")
    holds.note_success("a", timedelta())
    assert not holds.is_held("a")
    assert holds.note_failure("a", timedelta(seconds=30)).total_seconds() == 30


def test_letters_of_a_later_day_are_tried_again_only_if_they_are_young(world: World, forge: FakeForge) -> None:
    forge.always = answers(404)
    with world.telling():
        world.begin().do_all()
        wait_until(world.is_told)
    with world.database.write() as connection:
        assert outbox.try_again(connection, world.repository().id, since=timedelta(hours=-1)) == 0
        assert outbox.try_again(connection, world.repository().id) == 2


def test_end_of_one_run_never_hides_behind_an_earlier_status(world: World, forge: FakeForge) -> None:
    """Failures at random places: what the forge has in the end is what is true."""
    forge.plan += [answers(500), takes_and_resets, answers(502), resets, takes_and_resets]
    with world.telling():
        run = world.begin()
        run.plan("build", "test")
        for name in ("build", "test"):
            run.start(name)
            run.finish(name, Status.FAILURE if name == "test" else Status.SUCCESS)
        wait_until(world.is_told)
    assert {context: forge.states(context)[-1] for context in forge.contexts()} == {
        RUN: "failure",
        JOB: "success",
        "headrace/push/test": "failure",
    }
