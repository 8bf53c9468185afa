"""The variables that a job's steps see, from the event."""

from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.variables import job_variables

REPOSITORY = Repository(
    owner="group/sub",
    name="app",
    forge="git.example",
    url="https://git.example/group/sub/app",
    clone_url="https://git.example/group/sub/app.git",
    default_branch="main",
)


def variables(event: Event) -> dict[str, str]:
    return job_variables(event, workflow="build", workspace="/headrace/src/x")


def test_push_sets_what_it_knows_and_nothing_else() -> None:
    event = Event(
        repository=REPOSITORY,
        ref="refs/heads/dev",
        branch="dev",
        sha="1234",
        before="0000",
        message="one\ntwo",
        author="Ann",
        author_email="ann@example.org",
        sender="annie",
        changed_files=("a b", "ö"),
    )
    assert variables(event) == {
        "CI": "headrace",
        "CI_SYSTEM_NAME": "headrace",
        "CI_FORGE_URL": "https://git.example",
        "CI_REPO": "group/sub/app",
        "CI_REPO_OWNER": "group/sub",
        "CI_REPO_NAME": "app",
        "CI_REPO_URL": "https://git.example/group/sub/app",
        "CI_REPO_CLONE_URL": "https://git.example/group/sub/app.git",
        "CI_REPO_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": "1234",
        "CI_COMMIT_REF": "refs/heads/dev",
        "CI_COMMIT_BRANCH": "dev",
        "CI_COMMIT_MESSAGE": "one\ntwo",
        "CI_COMMIT_AUTHOR": "Ann",
        "CI_COMMIT_AUTHOR_EMAIL": "ann@example.org",
        "CI_PIPELINE_EVENT": "push",
        "CI_PIPELINE_AUTHOR": "annie",
        "CI_PIPELINE_FILES": '["a b","ö"]',
        "CI_WORKFLOW_NAME": "build",
        "CI_WORKSPACE": "/headrace/src/x",
    }


def test_pull_request_names_both_branches() -> None:
    request = PullRequest(number=7, source_branch="dev", target_branch="main")
    found = variables(Event(kind=EventKind.PULL_REQUEST, branch="main", pull_request=request))
    assert {name: found[name] for name in found if name.startswith("CI_COMMIT")} == {
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_PULL_REQUEST": "7",
        "CI_COMMIT_SOURCE_BRANCH": "dev",
        "CI_COMMIT_TARGET_BRANCH": "main",
        "CI_COMMIT_REFSPEC": "dev:main",
    }


def test_tag_is_set_on_tags_alone() -> None:
    assert variables(Event(kind=EventKind.TAG, ref="refs/tags/v1"))["CI_COMMIT_TAG"] == "v1"
    assert "CI_COMMIT_TAG" not in variables(Event(kind=EventKind.MANUAL, ref="refs/tags/v1"))


def test_changed_files_are_a_list_if_they_are_known_and_not_too_many() -> None:
    assert variables(Event(changed_files=()))["CI_PIPELINE_FILES"] == "[]"
    assert "CI_PIPELINE_FILES" not in variables(Event(changed_files=None))
    assert "CI_PIPELINE_FILES" in variables(Event(changed_files=("x",) * 500))
    assert "CI_PIPELINE_FILES" not in variables(Event(changed_files=("x",) * 501))


def test_event_without_facts_sets_only_what_is_always_known() -> None:
    assert set(variables(Event())) == {"CI", "CI_SYSTEM_NAME", "CI_PIPELINE_EVENT", "CI_WORKFLOW_NAME", "CI_WORKSPACE"}
