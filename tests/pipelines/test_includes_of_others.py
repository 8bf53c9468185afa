"""Files of other repositories: each repository is read at one commit, and what is wrong in its files names it."""

import pytest

from pipelines.event import Event, Included
from pipelines.planner import make_plan
from pipelines.problems import Level
from pipelines.reading.library import Library, Unreadable
from pipelines.validate import Reading, read_workflow

STEP = "steps: {s: {image: x}}\n"


class Forge:
    """Repositories by name, each with its files; it remembers what it was asked for."""

    def __init__(self, **repositories: dict[str, str]) -> None:
        self.repositories = repositories
        self.asked: list[tuple[str, str]] = []

    def reach(self, repo: str, ref: str) -> Library:
        """The library of `acme/NAME`."""
        self.asked.append((repo, ref))
        files = self.repositories.get(repo.removeprefix("acme/"))
        if files is None:
            raise Unreadable(f"can't reach {repo}")
        return Library(
            files={path: text.encode() for path, text in files.items()},
            name=f"{repo}@{ref}",
            included=Included(repository=f"https://forge/{repo}.git", ref=ref, sha="1" * 40),
            reach=self.reach,
        )

    def library(self, **files: str) -> Library:
        """That of the run's own repository."""
        return Library(files={f"{name}.yaml": text.encode() for name, text in files.items()}, reach=self.reach)


def read(text: str, forge: Forge, *, file: str = ".headrace/main.yaml") -> Reading:
    return read_workflow(text.encode(), file, library=forge.library(own="environment: {A: own}"))


def complaints(text: str, **repositories: dict[str, str]) -> list[str]:
    return [str(problem) for problem in read(text, Forge(**repositories)).problems]


def test_steps_of_another_repository_come_first_and_may_be_extended() -> None:
    forge = Forge(ci={"go.yaml": "steps: {.go: {image: golang}, lint: {image: y}}"})
    reading = read("include: {repo: acme/ci, ref: v1, path: ./go.yaml}\nsteps: {s: {extends: .go}}", forge)
    assert reading.problems == ()
    assert reading.workflow is not None
    assert [(step.name, step.image) for step in reading.workflow.steps] == [("lint", "y"), ("s", "golang")]
    assert forge.asked == [("acme/ci", "v1")]


def test_path_in_an_included_file_is_of_its_own_repository() -> None:
    forge = Forge(ci={"a.yaml": "include: [own.yaml]", "own.yaml": "environment: {A: theirs}"})
    reading = read(f"include: {{repo: acme/ci, path: a.yaml}}\n{STEP}", forge)
    assert reading.workflow is not None
    assert reading.workflow.environment == {"A": "theirs"}


def test_repository_that_another_one_names_is_reached_by_that_one() -> None:
    forge = Forge(ci={"a.yaml": "include: {repo: acme/base, ref: b, path: b.yaml}"}, base={"b.yaml": STEP})
    assert read("include: {repo: acme/ci, ref: a, path: a.yaml}", forge).problems == ()
    assert forge.asked == [("acme/ci", "a"), ("acme/base", "b")]


@pytest.mark.parametrize(
    ("text", "files", "line"),
    [
        ("{repo: acme/ci, ref: v, path: a.yaml}", {"a.yaml": "bogus: 1"}, 'acme/ci@v:a.yaml:1:1: "bogus" is not a key'),
        ("{repo: acme/ci, ref: v, path: a.yaml}", {"a.yaml": "x: ["}, "acme/ci@v:a.yaml:1:5: not valid YAML"),
        (
            "{repo: acme/ci, ref: v, path: a.yaml}",
            {"a.yaml": "include: {repo: acme/ci, ref: v, path: a.yaml}"},
            "acme/ci@v:a.yaml:1:10: these files include each other: acme/ci@v:a.yaml → acme/ci@v:a.yaml",
        ),
        (
            "{repo: acme/ci, ref: v, path: b.yaml}",
            {},
            '.headrace/main.yaml:1:10: there is no file "b.yaml" in acme/ci@v to include',
        ),
        ("{repo: acme/no, path: a.yaml}", {}, ".headrace/main.yaml:1:10: can't reach acme/no"),
        ("{repo: acme/ci}", {}, ".headrace/main.yaml:1:10: `include` needs `path` (write {repo: owner/name"),
        ("{}", {}, ".headrace/main.yaml:1:10: `include` needs `repo` and `path`"),
        (
            "{repo: acme/ci, paht: a.yaml}",
            {},
            '.headrace/main.yaml:1:26: "paht" is not a key of an include (did you mean `path`?)',
        ),
        ("{repo: [a], path: b}", {}, ".headrace/main.yaml:1:17: `include.repo` must be text"),
        (
            "{repo: acme/ci, ref: '${CI_COMMIT_TAG}', path: a}",
            {},
            ".headrace/main.yaml:1:31: `include.ref` is read before there is an event: it can't hold `${…}`",
        ),
    ],
)
def test_mistake_is_told_where_it_is(text: str, files: dict[str, str], line: str) -> None:
    found = complaints(f"include: {text}\n{STEP}", ci=files)
    assert any(each.startswith(line) for each in found), found


def test_repositories_that_include_each_other_come_to_an_end() -> None:
    ring = {
        f"r{n}": {"a.yaml": f"include: [{{repo: acme/r{(n + 1) % 3}, path: a.yaml}}, {{repo: acme/r0, path: b.yaml}}]"}
        for n in range(3)
    }
    [circle] = [each for each in complaints(f"include: {{repo: acme/r0, path: a.yaml}}\n{STEP}", **ring) if "→" in each]
    assert circle.endswith("acme/r0@:a.yaml → acme/r1@:a.yaml → acme/r2@:a.yaml → acme/r0@:a.yaml")


def test_refs_that_are_ever_new_come_to_an_end() -> None:
    """A repository may say something else at each commit, so that no file is met twice."""

    def reach(repo: str, ref: str) -> Library:
        text = f"include: [{{repo: r, ref: a{ref}, path: f}}, {{repo: r, ref: b{ref}, path: f}}]"
        return Library(files={"f": text.encode()}, name=f"{repo}@{ref}", reach=reach)

    library = Library(files={}, reach=reach)
    reading = read_workflow(f"include: {{repo: r, path: f}}\n{STEP}".encode(), "a.yaml", library=library)
    assert any("more than 50 files are included" in problem.message for problem in reading.problems)


def test_plan_notes_the_commits_it_was_made_with_unless_it_has_errors() -> None:
    forge = Forge(ci={"a.yaml": STEP, "b.yaml": STEP})
    both = ", ".join(f"{{repo: acme/ci, ref: v1, path: {name}.yaml}}" for name in "ab")
    files = {".headrace.yaml": f"include: [{both}]".encode()}
    made = make_plan(files, Event(), library=forge.library())
    assert [str(each) for each in made.event.included] == ["https://forge/acme/ci.git v1 at 111111111111"]
    forge.repositories["ci"]["b.yaml"] = "bogus: 1"
    assert make_plan(files, Event(), library=forge.library()).event.included == ()


def test_key_of_a_woodpecker_file_that_cannot_be_reached_is_a_warning() -> None:
    reading = read(f"include: {{repo: acme/none, path: a.yaml}}\n{STEP}", Forge(), file=".woodpecker.yaml")
    assert [problem.level for problem in reading.problems] == [Level.WARNING]


def test_what_an_included_file_may_have_had_is_not_missed_beside_it() -> None:
    text = "include: {repo: acme/none, path: a}\nsteps: {s: {extends: .go, depends_on: lint}}"
    assert len(complaints(text)) == 1
    assert len(complaints("include: {repo: acme/none, path: a}\nenvironment: {A: b}")) == 1
