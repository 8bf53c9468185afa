"""What `execute` promises, whatever carries out the steps. Each test runs in every world."""

import itertools
import time
from collections.abc import Iterator

import pytest

from pipelines.details import ArtifactRule, SecretReference
from pipelines.records import AnyRecord, Artifact, JobFinished, JobStarted, Log, StepFinished, StepStarted, Stream
from pipelines.status import Status
from runner.errors import SinkError
from runner.stop import Stop
from tests.runner.limits import Limits
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import BOTH, FAILURE, World, wait_for, when_it_says


def test_steps_run_in_order_in_one_workspace(world: World) -> None:
    result = world.run(*world.chain(world.step("a", "echo one > f"), world.step("b", "cat f")))
    assert result.status is Status.SUCCESS
    assert result.lines("b") == ["one"]
    assert result.started() == ["a", "b"]


def test_the_tree_is_in_the_workspace(world: World) -> None:
    result = world.run(world.step("a", "cat deep/er/file"), files={"deep/er/file": "hello\n"})
    assert result.lines("a") == ["hello"]


def test_independent_steps_run_at_the_same_time(world: World) -> None:
    meet = [
        world.step("a", "touch a", wait_for("b"), timeout=60),
        world.step("b", "touch b", wait_for("a"), timeout=60),
    ]
    assert world.run(*meet).status is Status.SUCCESS


def test_a_step_starts_when_its_own_dependencies_have_ended(world: World) -> None:
    """Not when all that is on the level of those has: `slow` ends only once `after` has run."""
    result = world.run(
        world.step("fast"),
        world.step("slow", wait_for("released"), timeout=60),
        world.step("after", "touch released", depends_on=("fast",)),
    )
    assert result.statuses() == {"fast": "success", "slow": "success", "after": "success"}


def test_commands_are_one_script_that_keeps_its_state(world: World) -> None:
    step = world.step("a", "x=kept; cd /", "if true; then", 'echo "$x"\npwd', "fi")
    assert world.run(step).lines("a")[-2:] == ["kept", "/"]


def test_each_line_belongs_to_the_command_that_printed_it(world: World) -> None:
    result = world.run(world.step("a", "echo one", "echo two; echo three"))
    printed = [log for log in result.logs("a") if log.stream is not Stream.SYSTEM]
    told = [(log.command, line) for log in printed for line in log.lines]
    assert told == [(0, "+ echo one"), (0, "one"), (1, "+ echo two; echo three"), (1, "two"), (1, "three")]


def test_another_interpreter_may_read_the_commands(world: World) -> None:
    """They are one command then: nothing tells where one ends."""
    step = world.step("a", 'BEGIN { print "hi"', "exit 5 }", shell=("awk", "-f", "/dev/stdin"))  # noqa: S604 - a value
    result = world.run(step)
    assert result.lines("a") == ["exit 5 }", "hi"]
    assert [(each.command, each.exit_code) for each in result.finished("a").commands] == [(0, 5)]


def test_each_command_is_told_with_its_exit_code_and_time(world: World) -> None:
    result = world.run(world.step("a", "set +e", "false", "sleep 1", "exit 3", "echo never"))
    commands = result.finished("a").commands
    assert [(each.command, each.exit_code) for each in commands] == [(0, 0), (1, 1), (2, 0), (3, 3)]
    assert 100 < commands[2].duration_ms <= result.finished("a").duration_ms


def test_a_command_that_was_stopped_has_no_exit_code(world: World, limits: Limits) -> None:
    step = world.step("a", "true", "echo up; sleep 60", timeout=2.0)
    result = world.run(step, watch=when_it_says("up", lambda: limits.run_out(2.0)))
    assert [(each.command, each.exit_code) for each in result.finished("a").commands] == [(0, 0), (1, None)]


def test_commands_do_not_eat_the_script_from_standard_input(world: World) -> None:
    assert world.run(world.step("a", "cat", "echo after")).lines("a") == ["after"]


def test_a_script_longer_than_any_argument_may_be_runs(world: World) -> None:
    """Linux takes 128 KiB in one argument."""
    long = "x" * 200_000
    result = world.run(world.step("a", f": {long}", "echo $# done"))
    assert result.lines("a")[-1] == "0 done"


def test_standard_output_and_error_stay_apart_and_a_last_line_needs_no_end(world: World) -> None:
    result = world.run(world.step("a", "echo out; echo err >&2; printf end"))
    assert result.lines("a", Stream.STDERR) == ["err"]
    assert result.lines("a", Stream.STDOUT) == ["out", "end"]


def test_lines_are_numbered_over_both_streams_without_a_gap(world: World) -> None:
    result = world.run(world.step("a", "for i in 1 2 3; do echo o; echo e >&2; done"))
    line = 1
    for log in result.logs("a"):
        assert log.line == line
        line += len(log.lines)


def test_a_directory_is_made_and_entered(world: World) -> None:
    result = world.run(world.step("a", "pwd", directory="not/there/yet"))
    assert result.lines("a")[0].endswith("/not/there/yet")


def test_a_failed_command_ends_the_step_with_its_exit_code(world: World) -> None:
    result = world.run(world.step("a", "sh -c 'exit 42'", "echo never"))
    assert result.finished("a").status is Status.FAILURE
    assert result.finished("a").exit_code == 42
    assert result.finished("a").reason == "exit code 42"
    assert result.lines("a") == []
    assert result.status is Status.FAILURE
    assert result.job.reason == "step a: exit code 42"


def test_after_a_failure_only_the_steps_that_ask_for_it_run(world: World) -> None:
    result = world.run(
        *world.chain(
            world.step("bad", "exit 1"),
            world.step("more"),
            world.step("mourn", "echo $CI_PIPELINE_STATUS", on=FAILURE),
            world.step("always", on=BOTH),
        )
    )
    assert result.statuses() == {"bad": "failure", "more": "skipped", "mourn": "success", "always": "success"}
    assert result.finished("more").reason == "an earlier step failed: bad"
    assert result.lines("mourn") == ["failure"]
    assert result.status is Status.FAILURE


def test_a_step_for_failures_is_skipped_after_success(world: World) -> None:
    result = world.run(*world.chain(world.step("good"), world.step("mourn", on=FAILURE)))
    assert result.statuses() == {"good": "success", "mourn": "skipped"}
    assert result.status is Status.SUCCESS


def test_an_ignored_failure_is_shown_and_does_not_count(world: World) -> None:
    result = world.run(*world.chain(world.step("bad", "exit 1", failure="ignore"), world.step("more")))
    assert result.statuses() == {"bad": "failure", "more": "success"}
    assert result.status is Status.SUCCESS


def test_a_failure_that_cancels_stops_the_run(world: World) -> None:
    stop = Stop()
    result = world.run(
        world.step("long", "touch up; sleep 60"),
        world.step("bad", wait_for("up"), "exit 3", failure="cancel"),
        stop=stop,
    )
    assert result.statuses() == {"long": "cancelled", "bad": "failure"}
    assert result.status is Status.FAILURE
    assert stop.requested
    assert stop.reason == "step bad failed and cancels the run"


def test_a_step_over_its_limit_is_timed_out(world: World) -> None:
    result = world.run(*world.chain(world.step("a", "sleep 60", timeout=0.3), world.step("b", on=FAILURE)))
    assert result.finished("a").status is Status.TIMED_OUT
    assert result.finished("a").reason == "took longer than its limit of 0.3 s"
    assert result.statuses()["b"] == "success"
    assert result.status is Status.TIMED_OUT


def test_a_job_over_its_limit_is_timed_out(world: World, limits: Limits) -> None:
    steps = world.chain(world.step("a", "echo up; sleep 60"), world.step("b"))
    result = world.run(*steps, timeout=600.0, watch=when_it_says("up", lambda: limits.run_out(600.0)))
    assert result.statuses() == {"a": "timed_out", "b": "skipped"}
    assert result.status is Status.TIMED_OUT
    assert result.job.reason == "the job took longer than its limit of 10 min"


def test_a_job_over_its_limit_is_timed_out_however_far_it_has_come(world: World) -> None:
    result = world.run(world.step("a", "sleep 60"), timeout=0.4)
    assert result.status is Status.TIMED_OUT
    assert result.job.reason == "the job took longer than its limit of 0.4 s"


def test_a_cancel_ends_running_steps_and_lets_those_after_a_failure_run(world: World) -> None:
    stop = Stop()
    result = world.run(
        *world.chain(
            world.step("a", "echo up; sleep 60"),
            world.step("b"),
            world.step("mourn", "echo mourning", on=FAILURE),
        ),
        stop=stop,
        watch=when_it_says("up", lambda: stop.request(Status.CANCELLED, "cancelled by ann")),
    )
    assert result.statuses() == {"a": "cancelled", "b": "skipped", "mourn": "success"}
    assert result.finished("a").reason == "cancelled by ann"
    assert result.finished("a").exit_code is None
    assert result.lines("mourn") == ["mourning"]
    assert (result.status, result.job.reason) == (Status.CANCELLED, "cancelled by ann")


def test_an_abort_also_ends_the_steps_that_run_after_a_cancel(world: World) -> None:
    stop, abort = Stop(), Stop()

    def watch(record: AnyRecord) -> None:
        when_it_says("up", lambda: stop.request(Status.CANCELLED, "first"))(record)
        when_it_says("mourning", lambda: abort.request(Status.CANCELLED, "second"))(record)

    steps = world.chain(
        world.step("a", "echo up; sleep 60"), world.step("mourn", "echo mourning; sleep 60", on=FAILURE)
    )
    result = world.run(*steps, stop=stop, abort=abort, watch=watch)
    assert result.statuses() == {"a": "cancelled", "mourn": "cancelled"}
    assert result.finished("mourn").reason == "second"


def test_a_job_cancelled_before_its_start_runs_nothing(world: World) -> None:
    stop = Stop()
    stop.request(Status.CANCELLED, "too late")
    result = world.run(world.step("a"), world.step("mourn", on=FAILURE), stop=stop)
    assert result.statuses() == {"a": "skipped", "mourn": "skipped"}
    assert result.status is Status.CANCELLED


def test_a_program_that_traps_the_stop_may_say_goodbye(world: World) -> None:
    stop = Stop()
    step = world.step("a", "trap 'echo bye; exit 0' TERM", "echo up", "while :; do sleep 0.05; done")
    watch = when_it_says("up", lambda: stop.request(Status.CANCELLED, "enough"))
    result = world.run(step, stop=stop, watch=watch)
    assert "bye" in result.lines("a")
    assert result.finished("a").status is Status.CANCELLED


@pytest.mark.parametrize("kind", ["service", "detached"])
def test_a_cancel_does_not_wait_for_what_is_still_starting(world: World, kind: str) -> None:
    """Such as a service whose image is pulled for minutes."""
    world.backend = ScriptedBackend()
    stop = Stop()
    slow = world.step("slow", image="slow/image", detach=kind == "detached")

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepStarted):
            stop.request(Status.CANCELLED, "enough")

    if kind == "service":
        result = world.run(world.step("a"), services=(slow,), stop=stop, watch=watch)
    else:
        result = world.run(*world.chain(slow, world.step("a")), stop=stop, watch=watch)
    assert result.statuses() == {"slow": "cancelled", "a": "skipped"}
    assert result.status is Status.CANCELLED


def test_a_detached_step_runs_beside_those_after_it(world: World) -> None:
    background = world.step("bg", "touch ready; while :; do sleep 0.05; done", detach=True)
    result = world.run(*world.chain(background, world.step("a", wait_for("ready"), timeout=60)))
    assert result.statuses() == {"a": "success", "bg": "success"}


def test_a_missing_image_is_an_error_with_one_clear_line(world: World) -> None:
    steps = world.chain(world.step("a", "true", image="missing/image"), world.step("mourn", on=FAILURE))
    result = world.run(*steps)
    assert result.statuses() == {"a": "error", "mourn": "success"}
    assert result.finished("a").reason.startswith("image missing/image: ")
    assert result.status is Status.ERROR


def test_secrets_reach_the_step_and_no_record(world: World) -> None:
    world.secrets = {"Token": "secret-value"}
    step = world.step(
        "a", 'printf secr; sleep 0.2; echo "et-value"', "echo $T", "exit 1", environment={"T": SecretReference("TOKEN")}
    )
    result = world.run(step)
    assert result.lines("a") == ["********", "********"]
    assert not any("secret-value" in str(record) for record in result.records)


def test_a_missing_secret_is_an_error_before_anything_starts(world: World) -> None:
    step = world.step("b", "true", environment={"T": SecretReference("token")})
    result = world.run(world.step("a"), step)
    assert result.started() == []
    assert result.status is Status.ERROR
    assert result.job.reason == "step 'b': no secret 'token' for this run (add it, or allow it for this event)"


def test_artifacts_are_kept_and_told_before_the_step_ends(world: World) -> None:
    step = world.step(
        "a",
        "mkdir -p dist/deep; echo one > dist/f; echo two > dist/deep/g; echo no > other; ln -s /etc/passwd dist/link",
        artifacts=(ArtifactRule(paths=("dist/**",)), ArtifactRule(paths=("sad/*",), on=FAILURE)),
    )
    result = world.run(step)
    kept = [record for record in result.records if isinstance(record, Artifact)]
    assert [(each.path, each.size_bytes) for each in kept] == [("dist/deep/g", 4), ("dist/f", 4)]
    assert isinstance(result.records[-2], StepFinished)
    for stored, content in zip(world.artifacts.list(), (b"two\n", b"one\n"), strict=True):
        with world.artifacts.open(stored) as file:
            assert file.read() == content


def test_a_glob_that_matches_nothing_is_a_warning(world: World) -> None:
    result = world.run(world.step("a", artifacts=(ArtifactRule(paths=("dist/**", "../*", "/etc/passwd")),)))
    assert result.lines("a", Stream.SYSTEM) == [
        "artifacts: no file matches dist/**",
        "artifacts: no file matches ../*",
        "artifacts: no file matches /etc/passwd",
    ]
    assert result.status is Status.SUCCESS


def test_a_failed_machinery_is_an_error_and_the_rest_is_left_out(world: World) -> None:
    world.backend = ScriptedBackend()
    result = world.run(
        *world.chain(world.step("a", "true", image="broken/x"), world.step("b"), world.step("c", on=FAILURE))
    )
    assert result.statuses() == {"a": "error", "b": "skipped", "c": "skipped"}
    assert (result.status, result.job.reason) == (Status.ERROR, "step a: the engine is gone")


def test_a_failed_machinery_stops_the_steps_beside_it(world: World) -> None:
    backend = world.backend = ScriptedBackend()
    result = world.run(world.step("long", "sleep 60"), world.step("a", "true", image="broken/x"))
    assert result.statuses() == {"a": "error", "long": "error"}
    assert backend.open_sites == 0


def test_a_tree_that_cannot_be_read_is_an_error_that_names_the_file(world: World) -> None:
    def tree() -> Iterator[bytes]:
        yield b"\0" * 512
        raise PermissionError(13, "Permission denied", "secret.txt")

    result = world.run(world.step("a"), tree=tree)
    assert result.status is Status.ERROR
    assert "secret.txt" in result.job.reason


def test_steps_that_wait_for_one_another_are_an_error_and_no_hang(world: World) -> None:
    result = world.run(world.step("a", depends_on=("b",)), world.step("b", depends_on=("a",)))
    assert result.statuses() == {"a": "skipped", "b": "skipped"}
    assert result.job.reason == "steps wait for one another and none can start: a, b"


@pytest.mark.parametrize("failing", [JobStarted, StepStarted, Log, StepFinished, JobFinished])
def test_a_broken_sink_is_raised_with_everything_stopped(world: World, failing: type) -> None:
    def watch(record: AnyRecord) -> None:
        if isinstance(record, failing):
            raise BrokenPipeError("closed")

    steps = [world.step("a", "echo hello; sleep 60" if failing is Log else "echo hello"), world.step("b")]
    with pytest.raises(SinkError, match="closed"):
        world.run(*steps, watch=watch)
    if isinstance(world.backend, ScriptedBackend):
        assert world.backend.open_sites == 0


def test_the_history_is_whole_and_in_order(world: World) -> None:
    """Numbers without a gap; each included step started at most once and finished once, its log in between."""
    result = world.run(
        *world.chain(world.step("a", "echo x"), world.step("b", "exit 1"), world.step("c")),
        services=(world.step("db", "sleep 60"),),
    )
    assert [record.seq for record in result.records] == list(range(1, len(result.records) + 1))
    assert isinstance(result.records[0], JobStarted)
    assert isinstance(result.records[-1], JobFinished)
    for name in ("a", "b", "c", "db"):
        kinds = [type(each) for each in result.records if getattr(each, "step", "") == name]
        assert kinds[-1] is StepFinished
        order = [kind for kind, _ in itertools.groupby(kinds)]
        assert order in ([StepStarted, Log, StepFinished], [StepFinished])


def test_excluded_steps_leave_no_record(world: World) -> None:
    result = world.run(world.step("a"), world.step("out", included=False), world.step("b", depends_on=("out",)))
    assert result.statuses() == {"a": "success", "b": "success"}


def test_a_step_sees_who_it_is(world: World) -> None:
    step = world.step(
        "a",
        "echo $CI $CI_STEP_NAME $CI_STEP_NUMBER $CI_STEP_TYPE $CI_PIPELINE_STATUS $AXIS $MINE",
        environment={"MINE": "mine"},
    )
    result = world.run(world.step("first"), step, variables={"CI": "true"}, matrix={"AXIS": "3.12"})
    assert result.lines("a") == ["true a 1 commands success 3.12 mine"]


def test_a_step_is_told_what_is_known_only_when_its_turn_comes(world: World) -> None:
    """It is made ready while the one before it runs, when that hasn't failed yet."""
    result = world.run(
        *world.chain(
            world.step("a", "echo $CI_STEP_STARTED", "sleep 1.2", "exit 1"),
            world.step("b", "echo $CI_STEP_STARTED", "echo $CI_PIPELINE_STATUS", on=BOTH),
        )
    )
    [first], [second, status] = result.lines("a"), result.lines("b")
    assert int(second) > int(first)
    assert status == "failure"


def test_an_authors_variable_wins_over_what_is_known_late(world: World) -> None:
    step = world.step("b", "echo $CI_PIPELINE_STATUS", environment={"CI_PIPELINE_STATUS": "mine"}, on=BOTH)
    result = world.run(*world.chain(world.step("a", "exit 1"), step))
    assert result.lines("b") == ["mine"]


def test_the_clock_of_a_step_starts_with_its_turn(world: World) -> None:
    """And not when it is made ready, which is long before: it took no longer than from the end of the one before."""
    ended: list[float] = []

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished):
            ended.append(time.monotonic())

    result = world.run(*world.chain(world.step("a", "sleep 1"), world.step("b")), watch=watch)
    assert result.finished("b").duration_ms <= 1000 * (ended[1] - ended[0]) + 1
