"""Changed files are held against globs once, and only as long as there is time."""

from pipelines.allowance import Budget
from pipelines.changedfiles import ChangedFiles
from pipelines.model import PathFilter

FILES = tuple(f"src/{number}.py" for number in range(1_000))


def test_same_filter_is_judged_once_for_all_steps() -> None:
    changes, budget = ChangedFiles(FILES), Budget(2_000)
    for _ in range(5):
        assert not changes.judge(PathFilter(include=("docs/**",)), budget).holds
    assert budget.spent < 2_000


def test_push_of_too_many_files_meets_the_condition() -> None:
    found = ChangedFiles(FILES).judge(PathFilter(include=("docs/**",)), Budget(500))
    assert (found.holds, found.phrase) == (True, "path holds, for 1,000 changed files are too many to compare")


def test_one_files_lack_of_time_is_not_anothers() -> None:
    changes = ChangedFiles(FILES)
    changes.judge(PathFilter(include=("docs/**",)), Budget(500))
    assert not changes.judge(PathFilter(include=("docs/**",)), Budget(2_000)).holds
