"""Which files a step's artifact rules take."""

import pytest

from pipelines.details import ArtifactRule
from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.results.collection import Collection, glob_matches, patterns_for, static_directories


@pytest.mark.parametrize(
    ("pattern", "path", "takes"),
    [
        ("dist/**", "dist/a/b", "yes"),
        ("dist", "dist/a/b", "yes"),
        ("dist/", "dist/a", "yes"),
        ("./dist//x", "dist/x", "yes"),
        ("*.txt", "a.txt", "yes"),
        ("*.txt", "sub/a.txt", "no"),
        ("dist", "distant", "no"),
        ("../**", "a", "no"),
        ("a/../**", "a", "no"),
        ("/etc/passwd", "etc/passwd", "no"),
    ],
)
def test_a_glob_takes(pattern: str, path: str, takes: str) -> None:
    assert glob_matches(pattern, path) is (takes == "yes")


@pytest.mark.parametrize(
    ("patterns", "directories"),
    [
        (("dist/**",), ("dist",)),
        (("a/b/*.x", "a/b/c/**", "d"), ("a/b", "d")),
        (("*.txt", "dist/**"), ("",)),
        (("{a,b/c}/x",), ("",)),
        (("a/b", "a-b/*"), ("a/b", "a-b")),
        (("../x", "/etc/**"), ()),
    ],
)
def test_only_the_directories_that_globs_name_are_read(patterns: tuple[str, ...], directories: tuple[str, ...]) -> None:
    assert static_directories(patterns) == directories


def test_rules_apply_by_how_the_step_ended() -> None:
    rules = (ArtifactRule(paths=("a", "b")), ArtifactRule(paths=("b", "c"), on=(Status.SUCCESS, Status.FAILURE)))
    step = PlannedStep(name="s", image="i", artifacts=rules)
    assert patterns_for(step, Status.SUCCESS) == ("a", "b", "c")
    assert patterns_for(step, Status.TIMED_OUT) == ("b", "c")


def test_a_collection_knows_which_globs_met_nothing() -> None:
    collection = Collection(("a/*", "b/*"))
    assert collection.takes("a/x")
    assert not collection.takes("c/x")
    assert collection.unmet == ("b/*",)
