"""What a step has written is read as far as it is what was agreed on."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.plan import PlannedJob, PlannedStep
from runner.results.outputs import JobOutputs, output_path, read_outputs

NAMES = ("VERSION", "TAG")


def test_each_line_is_a_name_and_a_value_and_the_last_one_counts() -> None:
    written = read_outputs(b"VERSION=1\nTAG=a=b c\n\nVERSION=2\r\n", NAMES)
    assert (written.values, written.complaints) == ({"VERSION": "2", "TAG": "a=b c"}, ())


def test_a_value_may_be_empty_and_the_last_line_without_an_end() -> None:
    assert read_outputs(b"TAG=\nVERSION=1", NAMES).values == {"TAG": "", "VERSION": "1"}


def test_what_is_not_agreed_on_is_told_and_left_out() -> None:
    written = read_outputs(b"VERSION=1\nPATH=/evil\nnonsense\nTAG=nu\0ll\n", NAMES)
    assert written.values == {"VERSION": "1"}
    assert written.complaints == (
        "line 2 is not of VERSION, TAG",
        "line 3 is not NAME=value",
        "line 4 is not NAME=value",
        "TAG was not written",
    )


def test_there_are_not_endless_complaints() -> None:
    assert len(read_outputs(b"x\n" * 1000, NAMES).complaints) == 10 + len(NAMES)


@given(st.binary(max_size=300))
def test_any_content_gives_values_that_can_be_variables(content: bytes) -> None:
    written = read_outputs(content, NAMES)
    assert set(written.values) <= set(NAMES)
    assert not any("\n" in value or "\0" in value for value in written.values.values())


def test_what_is_written_later_wins() -> None:
    outputs = JobOutputs()
    outputs.add({"A": "1", "B": "1"})
    outputs.add({"A": "2"})
    assert outputs.variables() == {"A": "2", "B": "1"}


def test_the_file_lies_beside_the_checkout_whatever_the_step_is_called() -> None:
    step = PlannedStep(name="../../etc", image="i")
    job = PlannedJob(name="b", workflow="b", file="", workspace_base="/h/", workspace="/h/src", steps=(step,))
    assert output_path(job, step) == "/h/.headrace/output/0"
