"""What comes next in a run."""

from pipelines.progress import JobState, next_moves
from pipelines.status import Status


def job(
    name: str,
    status: Status = Status.PENDING,
    *depends_on: str,
    workflow: str = "",
    on: tuple[Status, ...] = (Status.SUCCESS,),
) -> JobState:
    return JobState(name=name, workflow=workflow or name, status=status, depends_on=depends_on, on=on)


def test_jobs_that_depend_on_nothing_start_at_once() -> None:
    moves = next_moves([job("a"), job("b")])
    assert moves.start == ("a", "b")
    assert moves.finished is None


def test_job_waits_for_what_it_depends_on() -> None:
    assert next_moves([job("a", Status.RUNNING), job("b", Status.PENDING, "a")]).start == ()
    assert next_moves([job("a", Status.SUCCESS), job("b", Status.PENDING, "a")]).start == ("b",)


def test_job_is_skipped_after_a_failure_with_the_reason() -> None:
    moves = next_moves([job("a", Status.FAILURE), job("b", Status.PENDING, "a")])
    assert moves.skip == (("b", "depends on a, which ended as failure"),)
    assert moves.finished is None, "b has not ended yet"


def test_job_waits_for_all_cells_of_a_matrix() -> None:
    cells = [job("t 1", Status.SUCCESS, workflow="t"), job("t 2", Status.RUNNING, workflow="t")]
    assert next_moves([*cells, job("b", Status.PENDING, "t")]).start == ()


def test_run_is_as_bad_as_its_worst_job() -> None:
    ended = [job("a", Status.SUCCESS), job("b", Status.FAILURE), job("c", Status.SKIPPED)]
    assert next_moves(ended).finished is Status.FAILURE
    assert next_moves([job("a", Status.SUCCESS), job("c", Status.SKIPPED)]).finished is Status.SUCCESS


def test_what_the_failure_of_a_job_has_cancelled_does_not_make_the_run_a_cancelled_one() -> None:
    fatal = JobState(name="a", workflow="a", status=Status.FAILURE, may_cancel=True)
    assert next_moves([fatal, job("b", Status.CANCELLED)]).finished is Status.FAILURE
    assert next_moves([job("a", Status.FAILURE), job("b", Status.CANCELLED)]).finished is Status.CANCELLED
    stopped = JobState(name="a", workflow="a", status=Status.CANCELLED, may_cancel=True)
    assert next_moves([stopped, job("b", Status.SUCCESS)]).finished is Status.CANCELLED


def test_run_without_jobs_is_skipped() -> None:
    assert next_moves([]).finished is Status.SKIPPED


def test_job_for_failures_runs_once_all_it_depends_on_has_ended() -> None:
    cleanup = job("c", Status.PENDING, "a", "b", on=(Status.FAILURE,))
    assert next_moves([job("a", Status.FAILURE), job("b", Status.RUNNING), cleanup]).start == ()
    assert next_moves([job("a", Status.FAILURE), job("b", Status.SUCCESS), cleanup]).start == ("c",)


def test_job_for_failures_is_skipped_when_there_was_none() -> None:
    cleanup = job("c", Status.PENDING, "a", on=(Status.FAILURE,))
    assert next_moves([job("a", Status.SUCCESS), cleanup]).skip == (("c", "runs only after a failure"),)
