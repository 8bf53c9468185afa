"""A step that is tried again: each attempt in a fresh container, all of them told. In every world."""

from pathlib import Path

import msgspec

from pipelines.details import ArtifactRule, Resources, Retry
from pipelines.records import AnyRecord, Artifact, CommandRun, StepFinished, StepRetried, Stream
from pipelines.status import Status
from runner.stop import Stop
from tests.runner.limits import Limits
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import BOTH, FAILURE, Result, World, when_it_says

COUNT = "echo x >> tries; n=$(wc -l < tries)"


def retried(result: Result) -> list[StepRetried]:
    return [record for record in result.records if isinstance(record, StepRetried)]


def test_a_step_is_tried_until_it_succeeds(world: World) -> None:
    step = world.step("a", COUNT, "echo attempt $CI_ATTEMPT", "[ $n = 3 ]", retry=Retry(attempts=5))
    result = world.run(*world.chain(step, world.step("b")))
    assert result.statuses() == {"a": "success", "b": "success"}
    assert result.started() == ["a", "b"]
    assert [(each.attempt, each.attempts, each.status, each.exit_code) for each in retried(result)] == [
        (1, 5, Status.FAILURE, 1),
        (2, 5, Status.FAILURE, 1),
    ]
    assert result.finished("a").attempt == 3
    assert result.finished("b").attempt == 1
    assert result.lines("a", Stream.STDOUT) == ["attempt 1", "attempt 2", "attempt 3"]


def test_attempts_of_a_job_that_begins_anew_are_counted_on(world: World) -> None:
    step = world.step("a", COUNT, "echo attempt $CI_ATTEMPT", "[ $n = 2 ]", retry=Retry(attempts=2))
    result = world.run(*world.chain(step, world.step("b", "echo attempt $CI_ATTEMPT")), earlier={"a": 3})
    assert result.lines("a", Stream.STDOUT) == ["attempt 4", "attempt 5"]
    assert any(line.startswith("attempt 4 of 5 has ended") for line in result.lines("a"))
    assert result.lines("b", Stream.STDOUT) == ["attempt 1"]


def test_the_last_attempt_decides(world: World) -> None:
    step = world.step("a", "exit 1$CI_ATTEMPT", retry=Retry(attempts=2))
    result = world.run(*world.chain(step, world.step("b"), world.step("mourn", on=FAILURE)))
    assert result.statuses() == {"a": "failure", "b": "skipped", "mourn": "success"}
    assert (result.finished("a").exit_code, result.finished("a").reason) == (12, "exit code 12")
    assert [each.reason for each in retried(result)] == ["exit code 11"]
    assert result.job.reason == "step a: exit code 12"


def test_the_log_holds_all_attempts_in_order_with_a_line_between(world: World) -> None:
    step = world.step("a", "echo $CI_ATTEMPT; echo error >&2; exit 7", retry=Retry(attempts=3))
    result = world.run(step)
    between = "attempt {} of 3 has ended: exit code 7; the next begins now"
    shown = [line for line in result.lines("a") if line != "error"]
    assert shown == ["1", between.format(1), "2", between.format(2), "3"]
    assert [log.line for log in result.logs("a")] == sorted(log.line for log in result.logs("a"))
    told = {(log.attempt, log.command) for log in result.logs("a") if log.stream is not Stream.SYSTEM}
    assert told == {(1, 0), (2, 0), (3, 0)}


def test_commands_are_told_for_each_attempt_apart(world: World) -> None:
    step = world.step("a", "echo one", "[ $CI_ATTEMPT = 2 ]", "echo three", retry=Retry(attempts=2))
    result = world.run(step)
    assert ended(retried(result)[0].commands) == [(0, 0), (1, 1)]
    assert ended(result.finished("a").commands) == [(0, 0), (1, 0), (2, 0)]


def ended(commands: tuple[CommandRun, ...]) -> list[tuple[int, int | None]]:
    return [(each.command, each.exit_code) for each in commands]


def test_exit_codes_choose_what_is_tried_again(world: World) -> None:
    retry = Retry(attempts=5, exit_codes=(75,))
    result = world.run(world.step("a", "[ $CI_ATTEMPT = 1 ] && exit 75", "exit 3", retry=retry))
    assert [each.exit_code for each in retried(result)] == [75]
    assert (result.finished("a").exit_code, result.finished("a").attempt) == (3, 2)


def test_a_time_limit_is_for_each_attempt(world: World, limits: Limits) -> None:
    retry = Retry(attempts=2, on=("timeout",))
    step = world.step("a", "[ $CI_ATTEMPT = 2 ] || { echo up; sleep 60; }", timeout=3.0, retry=retry)
    result = world.run(step, watch=when_it_says("up", lambda: limits.run_out(3.0)))
    assert [(each.status, each.exit_code) for each in retried(result)] == [(Status.TIMED_OUT, None)]
    assert retried(result)[0].reason == "took longer than its limit of 3 s"
    assert result.finished("a").status is Status.SUCCESS
    assert result.status is Status.SUCCESS


def test_a_step_that_is_late_each_time_is_timed_out(world: World) -> None:
    step = world.step("a", "sleep 60", timeout=0.4, retry=Retry(attempts=2, on=("timeout",)))
    result = world.run(step)
    assert (result.finished("a").status, result.finished("a").attempt) == (Status.TIMED_OUT, 2)
    assert result.status is Status.TIMED_OUT


def test_what_is_not_asked_for_is_not_tried_again(world: World) -> None:
    step = world.step("a", "sleep 60", timeout=0.4, retry=Retry(attempts=3))
    result = world.run(step)
    assert retried(result) == []
    assert result.finished("a").status is Status.TIMED_OUT


def test_an_error_is_tried_again_if_asked_for(world: World) -> None:
    step = world.step("a", image="missing/image", retry=Retry(attempts=2, on=("error",)))
    result = world.run(*world.chain(step, world.step("mourn", on=FAILURE)))
    assert [each.status for each in retried(result)] == [Status.ERROR]
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason.startswith("image missing/image: ")
    assert result.statuses()["mourn"] == "success"


def test_a_cancel_ends_the_step_for_good(world: World) -> None:
    stop = Stop()
    step = world.step("a", "echo up; sleep 60", retry=Retry(attempts=5, on=("failure", "timeout", "error", "oom")))
    watch = when_it_says("up", lambda: stop.request(Status.CANCELLED, "enough"))
    result = world.run(step, stop=stop, watch=watch)
    assert retried(result) == []
    assert (result.finished("a").status, result.finished("a").attempt) == (Status.CANCELLED, 1)


def test_the_jobs_time_limit_ends_the_step_for_good(world: World, limits: Limits) -> None:
    step = world.step("a", "echo up; sleep 60", retry=Retry(attempts=5, on=("failure", "timeout")))
    result = world.run(step, timeout=5.0, watch=when_it_says("up", lambda: limits.run_out(5.0)))
    assert retried(result) == []
    assert result.finished("a").status is Status.TIMED_OUT
    assert result.job.reason == "the job took longer than its limit of 5 s"


def test_a_cancel_does_not_wait_for_the_delay(world: World) -> None:
    """Nor does anything of the attempt that was to come run."""
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepRetried):
            assert record.delay_ms == 3_600_000
            stop.request(Status.CANCELLED, "enough")

    step = world.step("a", "echo $CI_ATTEMPT", "exit 1", retry=Retry(attempts=2, delay=3600.0))
    result = world.run(step, stop=stop, watch=watch)
    assert (result.finished("a").status, result.finished("a").reason) == (Status.CANCELLED, "enough")
    assert (result.finished("a").exit_code, result.finished("a").attempt) == (None, 1)
    assert result.lines("a", Stream.STDOUT) == ["1"]


def test_the_next_attempt_waits_for_the_delay(world: World) -> None:
    step = world.step("a", "[ $CI_ATTEMPT = 2 ]", retry=Retry(attempts=2, delay=1.0))
    result = world.run(step)
    assert result.finished("a").duration_ms >= 1000 + retried(result)[0].duration_ms
    assert "attempt 1 of 2 has ended: exit code 1; the next begins in 1 s" in result.lines("a")


def test_each_attempt_has_a_fresh_container_and_the_same_workspace(containers: World) -> None:
    step = containers.step("a", "[ ! -e /once ]; touch /once; echo x >> tries", "[ $CI_ATTEMPT = 3 ]")
    step = msgspec.structs.replace(step, retry=Retry(attempts=3))
    result = containers.run(*containers.chain(step, containers.step("b", "wc -l < tries")))
    assert result.status is Status.SUCCESS
    assert result.lines("b") == ["3"]


def test_artifacts_are_those_of_the_last_attempt(world: World) -> None:
    rules = (ArtifactRule(paths=("out/*",), on=BOTH),)
    step = world.step("a", "mkdir -p out; echo x > out/$CI_ATTEMPT", "exit 1", artifacts=rules)
    result = world.run(msgspec.structs.replace(step, retry=Retry(attempts=2)))
    kept = [record.path for record in result.records if isinstance(record, Artifact)]
    assert kept == ["out/1", "out/2"]


def test_what_comes_next_stays_ready_while_a_step_is_tried_again(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=2)
    world = World(backend=scripted, image="scripted", directory=tmp_path)
    step = world.step("a", "[ $CI_ATTEMPT = 3 ]", retry=Retry(attempts=3))
    assert world.run(*world.chain(step, world.step("b"))).status is Status.SUCCESS
    assert scripted.released == [("a", 0), ("a", 0), ("a", 0), ("b", 0)]
    assert scripted.discarded == scripted.held == []


def test_a_failure_that_cancels_does_so_after_the_last_attempt(world: World) -> None:
    stop = Stop()
    step = world.step("a", "exit 1", failure="cancel", retry=Retry(attempts=2))
    result = world.run(step, stop=stop)
    assert len(retried(result)) == 1
    assert stop.reason == "step a failed and cancels the run"
    assert result.status is Status.FAILURE


def test_every_attempt_has_one_end(world: World) -> None:
    result = world.run(world.step("a", "exit 1", retry=Retry(attempts=3)))
    ends = [record for record in result.records if isinstance(record, StepRetried | StepFinished)]
    assert [each.attempt for each in ends] == [1, 2, 3]
    assert isinstance(ends[-1], StepFinished)
    assert ends[-1].duration_ms >= sum(each.duration_ms for each in retried(result))


def test_out_of_memory_is_tried_again_if_asked_for(containers: World) -> None:
    eat = "[ $CI_ATTEMPT = 2 ] || exec tail -c 200m /dev/zero"
    step = containers.step("a", eat, retry=Retry(attempts=2, on=("oom",)), resources=Resources(memory=32 << 20))
    result = containers.run(step)
    assert [each.reason for each in retried(result)] == ["exit code 137: out of memory"]
    assert result.finished("a").status is Status.SUCCESS
