"""The variables that a job's steps see, from the event."""

from pipelines.drone import drone_variables
from pipelines.event import Deployment, Event, EventKind, Previous, PullRequest, Release, Repository, System
from pipelines.variables import AT_RUN_TIME, NAMES, event_variables, is_reserved, with_values

REPOSITORY = Repository(
    owner="group/sub",
    name="app",
    forge="git.example",
    url="https://git.example/group/sub/app",
    clone_url="https://git.example/group/sub/app.git",
    default_branch="main",
)


TRUSTED = {f"CI_REPO_TRUSTED_{word}": "false" for word in ("NETWORK", "VOLUMES", "SECURITY")}


def variables(event: Event) -> dict[str, str]:
    return with_values(event_variables(event))


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
        **TRUSTED,
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
        "CI_COMMIT_PULL_REQUEST_DRAFT": "false",
    }


def test_pull_request_has_labels_and_a_milestone() -> None:
    request = PullRequest(number=7, labels=("bug", "good first"), milestone="2.0", draft=True)
    found = variables(Event(kind=EventKind.PULL_REQUEST_METADATA, pull_request=request, action="label_updated"))
    assert found["CI_COMMIT_PULL_REQUEST_LABELS"] == "bug,good first"
    assert found["CI_COMMIT_PULL_REQUEST_MILESTONE"] == "2.0"
    assert found["CI_COMMIT_PULL_REQUEST_DRAFT"] == "true"
    assert found["CI_PIPELINE_EVENT_REASON"] == "label_updated"


def test_push_has_nothing_of_a_pull_request() -> None:
    found = variables(Event(pull_request=PullRequest(number=7, source_branch="a", target_branch="b")))
    assert not [name for name in found if "PULL_REQUEST" in name or name.endswith(("_SOURCE_BRANCH", "_REFSPEC"))]


def test_tag_is_set_wherever_the_ref_is_one() -> None:
    assert variables(Event(kind=EventKind.TAG, ref="refs/tags/v1"))["CI_COMMIT_TAG"] == "v1"
    assert variables(Event(kind=EventKind.DEPLOYMENT, ref="refs/tags/v1"))["CI_COMMIT_TAG"] == "v1"
    assert "CI_COMMIT_TAG" not in variables(Event(ref="refs/heads/v1"))


def test_run_is_described_by_what_the_server_knows() -> None:
    event = Event(
        number=12,
        parent=11,
        reruns=2,
        url="https://ci.example/acme/app/12",
        forge_url="https://git.example/acme/app/commit/1",
        created_at=100,
        started_at=101,
        timestamp=99,
        sender="ann",
        sender_avatar="https://git.example/ann.png",
        system=System(url="https://ci.example", host="ci.example", platform="linux/amd64", version="1.2"),
        repository=Repository(owner="acme", name="app", forge_type="gitea", remote_id="5", private=False),
    )
    found = variables(event)
    expected = {
        "CI_PIPELINE_NUMBER": "12",
        "CI_PIPELINE_PARENT": "11",
        "CI_PIPELINE_RERUNS": "2",
        "CI_PIPELINE_URL": "https://ci.example/acme/app/12",
        "CI_PIPELINE_FORGE_URL": "https://git.example/acme/app/commit/1",
        "CI_PIPELINE_CREATED": "100",
        "CI_PIPELINE_STARTED": "101",
        "CI_PIPELINE_AVATAR": "https://git.example/ann.png",
        "CI_COMMIT_TIMESTAMP": "99",
        "CI_SYSTEM_URL": "https://ci.example",
        "CI_SYSTEM_HOST": "ci.example",
        "CI_SYSTEM_PLATFORM": "linux/amd64",
        "CI_SYSTEM_VERSION": "1.2",
        "CI_FORGE_TYPE": "gitea",
        "CI_REPO_REMOTE_ID": "5",
        "CI_REPO_PRIVATE": "false",
    }
    assert {name: found.get(name) for name in expected} == expected


def test_deployment_and_release_are_described() -> None:
    deployment = variables(Event(kind=EventKind.DEPLOYMENT, deployment=Deployment(target="staging", task="migrate")))
    assert (deployment["CI_PIPELINE_DEPLOY_TARGET"], deployment["CI_PIPELINE_DEPLOY_TASK"]) == ("staging", "migrate")
    release = variables(Event(kind=EventKind.RELEASE, ref="refs/tags/v1", release=Release(title="One")))
    assert (release["CI_PIPELINE_RELEASE_TITLE"], release["CI_PIPELINE_RELEASE_PRE"]) == ("One", "false")


def test_last_run_of_the_branch_is_described() -> None:
    previous = Previous(number=4, kind="pull_request", status="failure", sha="beef", forge_url="https://git.example/c",
                        source_branch="dev", target_branch="main", author="Ann", finished_at=9)  # fmt: skip
    found = {name: value for name, value in variables(Event(previous=previous)).items() if name.startswith("CI_PREV")}
    assert found == {
        "CI_PREV_COMMIT_SHA": "beef",
        "CI_PREV_COMMIT_REFSPEC": "dev:main",
        "CI_PREV_COMMIT_URL": "https://git.example/c",
        "CI_PREV_COMMIT_AUTHOR": "Ann",
        "CI_PREV_COMMIT_SOURCE_BRANCH": "dev",
        "CI_PREV_COMMIT_TARGET_BRANCH": "main",
        "CI_PREV_PIPELINE_NUMBER": "4",
        "CI_PREV_PIPELINE_EVENT": "pull_request",
        "CI_PREV_PIPELINE_FORGE_URL": "https://git.example/c",
        "CI_PREV_PIPELINE_STATUS": "failure",
        "CI_PREV_PIPELINE_FINISHED": "9",
        "CI_PREV_PIPELINE_AUTHOR": "Ann",
    }


def test_trust_is_told() -> None:
    found = event_variables(Event(), frozenset({"volumes"}))
    assert (found["CI_REPO_TRUSTED_VOLUMES"], found["CI_REPO_TRUSTED_NETWORK"]) == ("true", "false")


def test_names_are_known_whatever_the_event() -> None:
    """A name without a value must not look like one that doesn't exist."""
    for kind in EventKind:
        event = Event(kind=kind, pull_request=PullRequest(number=1), release=Release(), previous=Previous(number=1))
        assert event_variables(event).keys() | {"CI_WORKFLOW_NAME"} == NAMES


def test_every_name_of_the_language_page_is_known() -> None:
    page = """
        CI CI_SYSTEM_{NAME,URL,HOST,PLATFORM,VERSION} CI_FORGE_{TYPE,URL} CI_REPO
        CI_REPO_{OWNER,NAME,REMOTE_ID,URL,CLONE_URL,CLONE_SSH_URL,DEFAULT_BRANCH,PRIVATE}
        CI_REPO_{TRUSTED_NETWORK,TRUSTED_VOLUMES,TRUSTED_SECURITY}
        CI_COMMIT_{SHA,REF,REFSPEC,BRANCH,SOURCE_BRANCH,TARGET_BRANCH,TAG,PULL_REQUEST,PULL_REQUEST_LABELS}
        CI_COMMIT_{PULL_REQUEST_MILESTONE,PULL_REQUEST_DRAFT,MESSAGE,TIMESTAMP,AUTHOR,AUTHOR_EMAIL}
        CI_PIPELINE_{NUMBER,PARENT,EVENT,EVENT_REASON,URL,FORGE_URL,DEPLOY_TARGET,DEPLOY_TASK,CREATED,STARTED,AUTHOR}
        CI_PIPELINE_{AVATAR,RERUNS,FILES,RELEASE_TITLE,RELEASE_PRE,STATUS}
        CI_WORKFLOW_{NAME,NUMBER} CI_STEP_{NAME,NUMBER,URL,TYPE,STARTED} CI_WORKSPACE CI_MACHINE
        CI_PREV_COMMIT_{SHA,REF,REFSPEC,BRANCH,URL,MESSAGE,TIMESTAMP,AUTHOR,AUTHOR_EMAIL,SOURCE_BRANCH,TARGET_BRANCH}
        CI_PREV_PIPELINE_{NUMBER,PARENT,EVENT,URL,FORGE_URL,STATUS,CREATED,STARTED,FINISHED,AUTHOR}
    """
    written = set()
    for word in page.split():
        prefix, _, endings = word.rstrip("}").partition("{")
        written |= {prefix + ending for ending in endings.split(",")}
    assert written - (NAMES | AT_RUN_TIME) == set()


def test_plugins_of_drone_find_their_names() -> None:
    found = drone_variables(
        {"CI_COMMIT_SHA": "1234", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_TAG": "", "CI_REPO": "o/n"}
    )
    assert found == {
        "DRONE_COMMIT": "1234",
        "DRONE_COMMIT_SHA": "1234",
        "DRONE_BRANCH": "main",
        "DRONE_COMMIT_BRANCH": "main",
        "DRONE_REPO": "o/n",
        "DRONE_REPO_SCM": "git",
        "DRONE_BUILD_STATUS": "success",
        "PULLREQUEST_DRONE_PULL_REQUEST": "0",
    }


def test_number_of_a_pull_request_is_the_plugins_too() -> None:
    found = drone_variables({"CI_COMMIT_PULL_REQUEST": "7"})
    assert (found["DRONE_PULL_REQUEST"], found["PULLREQUEST_DRONE_PULL_REQUEST"]) == ("7", "7")


def test_our_names_are_reserved() -> None:
    names = ["CI", "CI_X", "DRONE_TAG", "PLUGIN_REPO", "CIRCLE", "PATH", "ci"]
    assert [name for name in names if is_reserved(name)] == ["CI", "CI_X", "DRONE_TAG", "PLUGIN_REPO"]


def test_changed_files_are_a_list_if_they_are_known_and_not_too_many() -> None:
    assert variables(Event(changed_files=()))["CI_PIPELINE_FILES"] == "[]"
    assert "CI_PIPELINE_FILES" not in variables(Event(changed_files=None))
    assert "CI_PIPELINE_FILES" in variables(Event(changed_files=("x",) * 500))
    assert "CI_PIPELINE_FILES" not in variables(Event(changed_files=("x",) * 501))


def test_event_without_facts_sets_only_what_is_always_known() -> None:
    assert set(variables(Event())) == {"CI", "CI_SYSTEM_NAME", "CI_PIPELINE_EVENT", *TRUSTED}
