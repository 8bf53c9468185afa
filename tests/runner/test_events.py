"""A local run's event: the command line's word first, then git's."""

from pathlib import Path

import pytest

from pipelines.event import Deployment, Event, EventKind, PullRequest, Release
from runner.errors import UsageError
from runner.events import EventOptions, WorkingTreeFacts, global_variables, local_event, pairs, this_system

FACTS = WorkingTreeFacts(
    root=Path("/home/ann/app"),
    branch="dev",
    sha="cafe",
    message="one",
    author="Ann",
    author_email="ann@example.org",
    remote_url="git@git.example:acme/app.git",
    default_branch="main",
    changed_files=("a",),
)


def test_without_flags_it_is_a_push_of_what_is_checked_out() -> None:
    event = local_event(EventOptions(), FACTS)
    assert (event.kind, event.ref, event.branch, event.sha) == (EventKind.PUSH, "refs/heads/dev", "dev", "cafe")
    assert (event.message, event.author, event.author_email) == ("one", "Ann", "ann@example.org")
    assert (event.repository.full_name, event.repository.forge) == ("acme/app", "git.example")
    assert event.changed_files == ("a",)


def test_outside_a_working_tree_it_knows_the_machine_alone() -> None:
    assert local_event(EventOptions(), WorkingTreeFacts()) == Event(local=True, system=this_system())


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")])
def test_platform_is_called_as_go_does(monkeypatch: pytest.MonkeyPatch, machine: str, name: str) -> None:
    """Workflow files say `platform: linux/amd64`."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert this_system().platform == f"linux/{name}"
    assert this_system().host


def test_working_tree_without_a_remote_is_named_by_its_directory() -> None:
    assert local_event(EventOptions(), WorkingTreeFacts(root=Path("/home/ann/app"))).repository.full_name == "app"


@pytest.mark.parametrize(
    ("options", "kind", "ref", "branch"),
    [
        (EventOptions(branch="x"), EventKind.PUSH, "refs/heads/x", "x"),
        (EventOptions(ref="refs/heads/y"), EventKind.PUSH, "refs/heads/y", "y"),
        (EventOptions(tag="v1"), EventKind.TAG, "refs/tags/v1", ""),
        (EventOptions(ref="refs/tags/v1"), EventKind.TAG, "refs/tags/v1", ""),
        (EventOptions(tag="v1", branch="main"), EventKind.TAG, "refs/tags/v1", "main"),
        (EventOptions(tag="v1", event=EventKind.RELEASE), EventKind.RELEASE, "refs/tags/v1", ""),
        (EventOptions(event=EventKind.CRON), EventKind.CRON, "refs/heads/dev", "dev"),
        (EventOptions(pr=3), EventKind.PULL_REQUEST, "refs/pull/3/head", "main"),
        (EventOptions(cron="nightly"), EventKind.CRON, "refs/heads/dev", "dev"),
        (EventOptions(deploy_target="staging"), EventKind.DEPLOYMENT, "refs/heads/dev", "dev"),
        (EventOptions(release_title="One", tag="v1"), EventKind.RELEASE, "refs/tags/v1", ""),
        (EventOptions(params={"LEVEL": "2"}), EventKind.MANUAL, "refs/heads/dev", "dev"),
        (EventOptions(params={"LEVEL": "2"}, event=EventKind.LOCAL), EventKind.LOCAL, "refs/heads/dev", "dev"),
        (EventOptions(target_branch="next"), EventKind.PULL_REQUEST, "refs/heads/dev", "next"),
    ],
)
def test_flags_make_kind_ref_and_branch(options: EventOptions, kind: EventKind, ref: str, branch: str) -> None:
    event = local_event(options, FACTS)
    assert (event.kind, event.ref, event.branch) == (kind, ref, branch)


def test_pull_request_goes_from_the_checked_out_branch_to_the_default_one() -> None:
    event = local_event(EventOptions(pr=3), FACTS)
    assert event.pull_request == PullRequest(number=3, source_branch="dev", target_branch="main")


def test_flags_win_over_git() -> None:
    options = EventOptions(sha="beef", message="two", author="Bob", repo="group/sub/lib", changed_files=("b", "c"))
    event = local_event(options, FACTS)
    assert (event.sha, event.message, event.author, event.author_email) == ("beef", "two", "Bob", "")
    assert (event.repository.owner, event.repository.name) == ("group/sub", "lib")
    assert event.changed_files == ("b", "c")


def test_tag_event_needs_a_tag() -> None:
    with pytest.raises(UsageError, match="--event tag needs --tag NAME"):
        local_event(EventOptions(event=EventKind.TAG), FACTS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (EventOptions(event=EventKind.PUSH, pr=3), "--pr is for the event pull_request, and this one is push"),
        (EventOptions(event=EventKind.PUSH, tag="v1"), "--tag is for the event tag, and this one is push"),
        (EventOptions(event=EventKind.TAG, tag="v1", cron="c"), "--cron is for the event cron, and this one is tag"),
        (
            EventOptions(cron="c", deploy_target="x"),
            "--deploy-target is for the event deployment, and this",
        ),
        (EventOptions(prerelease=True, target_branch="x"), "--target-branch is for the event pull_request"),
    ],
)
def test_flag_of_another_event_is_refused(options: EventOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        local_event(options, FACTS)


def test_tag_may_be_released_deployed_and_built_by_hand() -> None:
    for kind in (EventKind.RELEASE, EventKind.DEPLOYMENT, EventKind.MANUAL, EventKind.CRON):
        assert local_event(EventOptions(event=kind, tag="v1"), FACTS).ref == "refs/tags/v1"
    assert local_event(EventOptions(event=EventKind.PULL_REQUEST_CLOSED, pr=3), FACTS).pull_request


def test_deployment_and_release_carry_what_their_flags_say() -> None:
    deployment = local_event(EventOptions(deploy_target="staging", deploy_task="migrate"), FACTS)
    assert deployment.deployment == Deployment(target="staging", task="migrate")
    release = local_event(EventOptions(tag="v1", release_title="One", prerelease=True), FACTS)
    assert release.release == Release(title="One", prerelease=True)
    assert local_event(EventOptions(), FACTS).deployment is None


def test_schedule_and_inputs_go_into_the_event() -> None:
    event = local_event(EventOptions(cron="nightly", params={"LEVEL": "2"}), FACTS)
    assert (event.cron, event.params) == ("nightly", {"LEVEL": "2"})


def test_run_on_a_laptop_is_local() -> None:
    assert local_event(EventOptions(), FACTS).local


def test_pairs_hold_anything_after_the_first_equals_sign() -> None:
    assert pairs(["A=1", "B=x=y", "C=", "A=2"], flag="--param") == {"A": "2", "B": "x=y", "C": ""}


@pytest.mark.parametrize("text", ["A", "=1", ""])
def test_pair_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--param {text}: write --param NAME=VALUE$"):
        pairs([text], flag="--param")


@pytest.mark.parametrize("name", ["CI", "CI_COMMIT_SHA", "DRONE_TAG", "PLUGIN_REPO"])
def test_global_variable_can_not_have_a_name_of_ours(name: str) -> None:
    with pytest.raises(UsageError, match=f"--env {name}: names of this kind are Headrace's own"):
        global_variables([f"{name}=x"])
