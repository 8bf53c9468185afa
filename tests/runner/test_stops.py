"""Time-outs, cancels and failures together: each thing ends with its own status. In every world."""

import time

import pytest

from pipelines.details import Retry
from pipelines.records import AnyRecord, StepFinished, StepRetried, StepStarted
from pipelines.status import Status
from runner.stop import Stop
from tests.runner.limits import Limits
from tests.runner.world import BOTH, FAILURE, World, wait_for, when_it_says

FIRST_HANGS = "[ $CI_ATTEMPT = 2 ] || { echo up; sleep 60; }"


def test_an_ignored_time_out_is_shown_and_does_not_count(world: World) -> None:
    result = world.run(*world.chain(world.step("a", "sleep 60", timeout=0.4, failure="ignore"), world.step("b")))
    assert result.statuses() == {"a": "timed_out", "b": "success"}
    assert (result.status, result.job.reason) == (Status.SUCCESS, "")


def test_a_time_out_that_cancels_makes_the_job_timed_out_and_its_neighbours_cancelled(
    world: World, limits: Limits
) -> None:
    stop = Stop()
    late = world.step("late", wait_for("up"), "echo both are up; sleep 60", timeout=4.0, failure="cancel")
    steps = (world.step("long", "touch up; sleep 60"), late, world.step("mourn", depends_on=("late",), on=FAILURE))
    result = world.run(*steps, stop=stop, watch=when_it_says("both are up", lambda: limits.run_out(4.0)))
    assert result.statuses() == {"late": "timed_out", "long": "cancelled", "mourn": "success"}
    assert (stop.status, stop.reason) == (Status.CANCELLED, "step late failed and cancels the run")
    assert (result.status, result.job.reason) == (Status.TIMED_OUT, "step late: took longer than its limit of 4 s")


def test_steps_after_a_failure_follow_the_jobs_time_out(world: World, limits: Limits) -> None:
    steps = world.chain(
        world.step("a", "echo up; sleep 60"),
        world.step("b"),
        world.step("mourn", "echo $CI_PIPELINE_STATUS", on=FAILURE),
        world.step("always", "true", on=BOTH),
    )
    result = world.run(*steps, timeout=6.0, watch=when_it_says("up", lambda: limits.run_out(6.0)))
    assert result.statuses() == {"a": "timed_out", "b": "skipped", "mourn": "success", "always": "success"}
    assert result.finished("b").reason == "the job was over its time limit"
    assert result.lines("mourn") == ["failure"]
    assert result.status is Status.TIMED_OUT


def test_the_first_stop_counts(world: World, limits: Limits) -> None:
    """A cancel that comes while a job is being stopped for its time changes nothing."""
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        when_it_says("up", lambda: limits.run_out(6.0))(record)
        if isinstance(record, StepStarted) and record.step == "mourn":
            stop.request(Status.CANCELLED, "too late")

    steps = world.chain(world.step("a", "echo up; sleep 60"), world.step("mourn", on=FAILURE))
    result = world.run(*steps, timeout=6.0, stop=stop, watch=watch)
    assert result.statuses() == {"a": "timed_out", "mourn": "success"}
    assert result.status is Status.TIMED_OUT


def test_a_step_after_a_failure_that_is_late_leaves_the_jobs_status_alone(world: World) -> None:
    stop = Stop()
    mourn = world.step("mourn", "sleep 60", on=FAILURE, timeout=0.4)
    watch = when_it_says("up", lambda: stop.request(Status.CANCELLED, "enough"))
    result = world.run(*world.chain(world.step("a", "echo up; sleep 60"), mourn), stop=stop, watch=watch)
    assert result.statuses() == {"a": "cancelled", "mourn": "timed_out"}
    assert (result.status, result.job.reason) == (Status.CANCELLED, "enough")


def test_a_cancel_ends_what_runs_after_a_failure_as_cancelled(world: World) -> None:
    stop = Stop()
    watch = when_it_says("mourning", lambda: stop.request(Status.CANCELLED, "enough"))
    steps = world.chain(world.step("a", "exit 1"), world.step("mourn", "echo mourning; sleep 60", on=FAILURE))
    result = world.run(*steps, stop=stop, watch=watch)
    assert result.statuses() == {"a": "failure", "mourn": "cancelled"}
    assert result.status is Status.CANCELLED


@pytest.mark.parametrize("exit_code", [0, 1])
def test_how_a_program_ends_that_was_stopped_is_no_matter(world: World, exit_code: int) -> None:
    stop = Stop()
    step = world.step("a", f"trap 'exit {exit_code}' TERM", "echo up", "while :; do sleep 0.05; done")
    watch = when_it_says("up", lambda: stop.request(Status.CANCELLED, "enough"))
    result = world.run(step, stop=stop, watch=watch)
    assert (result.finished("a").status, result.finished("a").exit_code) == (Status.CANCELLED, None)
    assert result.status is Status.CANCELLED


def test_a_cancel_at_the_very_end_is_no_success(world: World) -> None:
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished):
            stop.request(Status.CANCELLED, "just in time")

    result = world.run(world.step("a"), stop=stop, watch=watch)
    assert result.statuses() == {"a": "success"}
    assert (result.status, result.job.reason) == (Status.CANCELLED, "just in time")


def test_the_jobs_time_out_does_not_wait_for_the_delay_of_a_retry(world: World, limits: Limits) -> None:
    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepRetried):
            limits.run_out(3.0)

    retry = Retry(attempts=3, delay=3600.0)
    steps = world.chain(world.step("a", "exit 4", retry=retry), world.step("mourn", on=FAILURE))
    result = world.run(*steps, timeout=3.0, watch=watch)
    assert result.statuses() == {"a": "timed_out", "mourn": "success"}
    assert result.finished("a").reason == "the job took longer than its limit of 3 s"
    assert [each.exit_code for each in result.records if isinstance(each, StepRetried)] == [4]
    assert result.status is Status.TIMED_OUT


def test_a_step_that_failed_in_vain_is_a_failure_though_it_was_late_before(world: World, limits: Limits) -> None:
    retry = Retry(attempts=2, on=("failure", "timeout"))
    step = world.step("a", FIRST_HANGS, "exit 6", timeout=2.0, retry=retry)
    watch = when_it_says("up", lambda: limits.run_out(2.0))
    result = world.run(*world.chain(step, world.step("mourn", on=FAILURE)), watch=watch)
    assert [each.status for each in result.records if isinstance(each, StepRetried)] == [Status.TIMED_OUT]
    assert result.statuses() == {"a": "failure", "mourn": "success"}
    assert (result.status, result.job.reason) == (Status.FAILURE, "step a: exit code 6")


def test_a_detached_step_over_its_limit_is_timed_out_and_the_job_goes_on(world: World) -> None:
    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.step == "serve":
            world.touch("told")

    serve = world.step("serve", wait_for("nothing"), detach=True, timeout=0.4)
    steps = world.chain(serve, world.step("a", "touch up", wait_for("told"), timeout=60))
    result = world.run(*steps, watch=watch)
    late = "took longer than its limit of 0.4 s"
    assert (result.finished("serve").status, result.finished("serve").reason) == (Status.TIMED_OUT, late)
    assert result.finished("a").status is Status.SUCCESS
    assert result.status is Status.SUCCESS


def test_a_failure_beside_a_time_out_is_the_lesser_of_the_two(world: World, limits: Limits) -> None:
    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.step == "bad":
            limits.run_out(2.0)

    late = world.step("late", "touch up; sleep 60", timeout=2.0)
    result = world.run(world.step("bad", wait_for("up"), "exit 1"), late, watch=watch)
    assert result.statuses() == {"bad": "failure", "late": "timed_out"}
    assert result.status is Status.TIMED_OUT


def test_a_program_in_a_session_of_its_own_that_ignores_the_stop_ends_with_its_container(strict: World) -> None:
    """The whole container is killed after the grace, whoever holds its output; else it would take ten minutes."""
    stop, times = Stop(), dict[str, float]()

    def ask() -> None:
        times["asked"] = time.monotonic()
        stop.request(Status.CANCELLED, "enough")

    def watch(record: AnyRecord) -> None:
        when_it_says("up", ask)(record)
        if isinstance(record, StepFinished):
            times["ended"] = time.monotonic()

    stubborn = "trap '' TERM; echo up; sleep 600"
    step = strict.step("a", f'setsid sh -c "{stubborn}" &', "trap '' TERM", "sleep 600")
    result = strict.run(step, stop=stop, watch=watch)
    assert result.finished("a").status is Status.CANCELLED
    assert times["ended"] - times["asked"] < 60  # the grace is 2 s; the rest is for a busy machine


def test_a_background_process_that_outlives_its_step_in_vain_holds_its_output(containers: World) -> None:
    result = containers.run(containers.step("a", "setsid sleep 300 &", "echo done; exit 3"))
    assert (result.finished("a").status, result.finished("a").exit_code) == (Status.FAILURE, 3)
    assert result.lines("a") == ["done"]
