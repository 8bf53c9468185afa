"""What is particular to each forge."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.deliveries.reading import Reading
from pipelines.event import Deployment, EventKind, PullRequest
from tests.worker.forges import sending
from tests.worker.forges.saying import NEW, SECRET, named_event, one_event, parse, repository, verify
from tests.worker.forges.sending import PAYLOADS, Sent, payload
from worker.errors import Malformed, Refused
from worker.forges.base import json_text, reading

# GitHub


def test_github_verifies_the_vector_it_publishes() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify("github", Sent(body=b"Hello, World!", headers={"x-hub-signature-256": signature}))


@pytest.mark.parametrize(
    "signature",
    [
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=",
        "sha256=é",
        "",
    ],
)
def test_github_refuses_a_signature_in_any_other_form(signature: str) -> None:
    with pytest.raises(Refused):
        verify("github", Sent(body=b"Hello, World!", headers={"x-hub-signature-256": signature}))


def test_github_signs_a_form_as_it_is_sent() -> None:
    sent = sending.github(sending.form(payload("github", "push")), SECRET)
    sent = replace(sent, headers={**sent.headers, "content-type": f"{sending.FORM}; charset=utf-8"})
    verify("github", sent)
    assert (
        one_event(reading("github", sent.headers, json_text(sent.headers, sent.body), repository("github"))).sha == NEW
    )


def test_github_push_says_who_and_what() -> None:
    event = one_event(parse("github", payload("github", "push")))
    assert event.message == "Add the mill's wheel\n\nIt turns."
    assert (event.author, event.author_email, event.sender) == ("Ada Lovelace", "ada@example.org", "ada")


def test_github_ping_starts_nothing() -> None:
    assert parse("github", payload("github", "ping"), event="ping").ignored == "ping: the hook works"


def test_github_forced_push_is_a_push() -> None:
    event = one_event(parse("github", payload("github", "push_forced")))
    assert event.before == "c" * 40


def test_github_new_branch_has_nothing_before_it() -> None:
    event = one_event(parse("github", payload("github", "push_new_branch")))
    assert (event.branch, event.before) == ("feature/wheel", "")


@pytest.mark.parametrize(
    ("name", "from_fork"),
    [
        ("pull_request", False),
        ("pull_request_synchronize", False),
        ("pull_request_within_fork", False),
        ("pull_request_fork", True),
        ("pull_request_fork_gone", True),
    ],
)
def test_github_pull_request_knows_forks_by_their_id(name: str, from_fork: bool) -> None:  # noqa: FBT001
    event = one_event(parse("github", payload("github", name), event="pull_request"))
    assert (event.kind, event.ref, event.sha) == (EventKind.PULL_REQUEST, "refs/pull/7/head", NEW)
    assert (event.branch, event.message, event.sender) == ("main", "Oil the wheel", "eve")
    assert event.pull_request is not None
    assert event.pull_request.number == 7
    assert event.pull_request.source_branch == "oil"
    assert event.pull_request.from_fork is from_fork


def test_github_deployment_is_of_a_branch_with_target_and_task() -> None:
    event = one_event(parse("github", payload("github", "recorded/deployment_created"), event="deployment"))
    assert (event.kind, event.ref, event.branch) == (EventKind.DEPLOYMENT, "refs/heads/master", "master")
    assert event.sha == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
    assert event.deployment == Deployment(target="production", task="deploy")


def test_github_deployment_of_a_bare_commit_counts_as_the_default_branchs() -> None:
    values = json.loads(payload("github", "recorded/deployment_created"))
    values["deployment"]["ref"] = values["deployment"]["sha"]
    event = one_event(parse("github", json.dumps(values).encode(), event="deployment"))
    assert (event.ref, event.branch) == ("refs/heads/main", "main")


def test_github_pull_request_knows_its_labels_milestone_and_draft_mark() -> None:
    event = one_event(parse("github", payload("github", "recorded/pull_request_labeled"), event="pull_request"))
    assert event.kind is EventKind.PULL_REQUEST_METADATA
    assert event.pull_request is not None
    assert (event.pull_request.labels, event.pull_request.milestone) == (("bug",), "v1.0")
    assert event.pull_request.draft is False
    assert event.forge_url == "https://github.com/Codertocat/Hello-World/pull/2"
    assert event.sender_avatar.startswith("https://avatars1.githubusercontent.com/")


RECORDED = {
    "push_branch_created": EventKind.PUSH,
    "push_tag_created": EventKind.TAG,
    "push_tag_deleted": None,
    "pull_request_opened": EventKind.PULL_REQUEST,
    "pull_request_synchronize": EventKind.PULL_REQUEST,
    "pull_request_closed": EventKind.PULL_REQUEST_CLOSED,
    "pull_request_labeled": EventKind.PULL_REQUEST_METADATA,
    "release_published": EventKind.RELEASE,
    "deployment_created": EventKind.DEPLOYMENT,
    "ping": None,
    "create": None,
    "delete": None,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in (PAYLOADS / "github" / "recorded").glob("*.json")))
def test_github_payload_that_was_recorded_is_understood(name: str) -> None:
    event = {"create": "create", "delete": "delete"}.get(name, named_event("github", name)["event"])
    said = parse("github", payload("github", f"recorded/{name}"), event=event)
    kinds = [event.kind for event in said.events]
    assert kinds == [kind for kind in [RECORDED[name]] if kind]


def test_github_event_that_nobody_builds_starts_nothing() -> None:
    assert parse("github", b"{}", event="star").ignored == "event 'star' starts no run"


# GitLab

NOW = 1_795_000_000


def test_gitlab_signature_verifies_the_vector_of_standard_webhooks() -> None:
    """The key is the base64 after whsec_; there may be several signatures, also of versions nobody knows yet."""
    sent = Sent(
        body=b'{"test": 2432232314}',
        headers={
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,AAAA v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
    )
    verify("gitlab", sent, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.mark.parametrize("seconds", [-301, 301])
def test_gitlab_signature_of_another_time_is_refused(seconds: int) -> None:
    sent = sending.gitlab_signed(payload("gitlab", "push"), SECRET, at=NOW)
    with pytest.raises(Refused, match="300 s"):
        verify("gitlab", sent, now=NOW + seconds)
    verify("gitlab", sent, now=NOW + seconds // 301 * 300)


def test_gitlab_wrong_signature_is_not_made_up_for_by_the_token() -> None:
    sent = sending.gitlab(payload("gitlab", "push"), SECRET)
    for signature in ("", "v1,AAAA", "v2,x"):
        headers = {**sent.headers, "webhook-signature": signature, "webhook-timestamp": str(NOW), "webhook-id": "k1"}
        with pytest.raises(Refused):
            verify("gitlab", replace(sent, headers=headers), now=NOW)


def test_gitlab_signed_delivery_has_the_key_that_is_signed() -> None:
    sent = sending.gitlab_signed(payload("gitlab", "push"), SECRET, key="signed")
    headers = {**sent.headers, "idempotency-key": "anyone's"}
    assert reading("gitlab", headers, sent.body, repository("gitlab")).key == "signed"


def test_gitlab_push_takes_the_message_of_the_commit_it_moved_to() -> None:
    event = one_event(parse("gitlab", payload("gitlab", "push")))
    assert event.message == "Add the mill's wheel\n"
    assert (event.author, event.sender) == ("Ada Lovelace", "ada")


@pytest.mark.parametrize(
    ("name", "from_fork"), [("merge_request", False), ("merge_request_updated", False), ("merge_request_fork", True)]
)
def test_gitlab_merge_request_with_new_commits_is_built(name: str, from_fork: bool) -> None:  # noqa: FBT001
    event = one_event(parse("gitlab", payload("gitlab", name), event="Merge Request Hook"))
    assert (event.kind, event.ref, event.branch) == (EventKind.PULL_REQUEST, "refs/merge-requests/7/head", "main")
    assert event.pull_request is not None
    assert event.pull_request.from_fork is from_fork
    assert event.sender == "eve"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("merge_request_labeled", EventKind.PULL_REQUEST_METADATA),
        ("merge_request_merged", EventKind.PULL_REQUEST_CLOSED),
        ("merge_request_closed", EventKind.PULL_REQUEST_CLOSED),
    ],
)
def test_gitlab_merge_request_without_new_commits_is_no_pull_request_event(name: str, kind: EventKind) -> None:
    assert one_event(parse("gitlab", payload("gitlab", name), event="Merge Request Hook")).kind is kind


@pytest.mark.parametrize("name", ["Pipeline Hook", "Job Hook", "Note Hook"])
def test_gitlab_event_that_nobody_builds_starts_nothing(name: str) -> None:
    assert parse("gitlab", b"{}", event=name).ignored == f"event {name!r} starts no run"


def deployment_said(**changes: object) -> Reading:
    values = json.loads(payload("gitlab", "deployment")) | changes
    return parse("gitlab", json.dumps(values).encode(), event="Deployment Hook")


def test_gitlab_deployment_that_begins_is_of_a_branch_and_its_environment() -> None:
    event = one_event(deployment_said())
    assert (event.kind, event.ref, event.branch, event.sha) == (EventKind.DEPLOYMENT, "refs/heads/main", "main", NEW)
    assert event.deployment == Deployment(target="staging")
    assert (event.sender, event.repository.clone_url) == ("ada", "https://gitlab.example.org/acme/web.git")


@pytest.mark.parametrize("status", ["success", "failed", "canceled", "created", "blocked"])
def test_gitlab_deployment_that_does_not_begin_starts_nothing(status: str) -> None:
    assert deployment_said(status=status).ignored == f"deployment {status!r} starts no run"


def test_gitlab_deployment_of_a_merge_request_starts_nothing() -> None:
    """It may come from a fork, and a deployment may have secrets."""
    assert "neither a branch nor a tag" in deployment_said(ref="refs/merge-requests/7/head").ignored


@pytest.mark.parametrize("url", ["", "https://gitlab.example.org/acme/web/-/commit/main", "b" * 39, 5, None])
def test_gitlab_deployment_without_its_commit_is_malformed(url: object) -> None:
    with pytest.raises(Malformed, match="commit_url is"):
        deployment_said(commit_url=url)


def test_gitlab_new_branch_without_commits_is_built() -> None:
    event = one_event(parse("gitlab", payload("gitlab", "push_new_branch")))
    assert (event.branch, event.message) == ("feature", "")


# Gitea and Forgejo


def test_gitea_signs_the_json_within_a_form() -> None:
    text = payload("gitea", "push")
    sent = sending.gitea(text, SECRET)
    sent = Sent(body=sending.form(text), headers={**sent.headers, "content-type": sending.FORM})
    verify("gitea", sent)
    assert one_event(reading("gitea", sent.headers, json_text(sent.headers, sent.body), repository("gitea"))).sha == NEW


@pytest.mark.parametrize("body", [b"payload=1&payload=2", b"x=1", b"\xff", b""])
def test_gitea_form_without_one_payload_is_refused(body: bytes) -> None:
    sent = sending.gitea(body, SECRET)
    with pytest.raises(Refused):
        verify("gitea", replace(sent, headers={**sent.headers, "content-type": sending.FORM}))


def test_forgejo_headers_count_for_nothing_at_gitea() -> None:
    sent = sending.forgejo(payload("forgejo", "push"), SECRET)
    with pytest.raises(Refused):
        verify("gitea", sent)


@pytest.mark.parametrize("name", ["create_tag", "create_branch"])
def test_gitea_create_starts_nothing_because_a_push_comes_too(name: str) -> None:
    assert "push" in parse("gitea", payload("gitea", name), event="create").ignored


@pytest.mark.parametrize(
    ("name", "from_fork"),
    [("pull_request", False), ("pull_request_synchronized", False), ("pull_request_fork", True)],
)
def test_gitea_pull_request_knows_forks_by_their_id(name: str, from_fork: bool) -> None:  # noqa: FBT001
    event = one_event(parse("gitea", payload("gitea", name), event="pull_request"))
    assert event.ref == "refs/pull/7/head"
    assert event.pull_request is not None
    assert event.pull_request.from_fork is from_fork


# Plain git


def test_plain_git_push_of_several_refs_gives_an_event_each() -> None:
    parsed = parse("git", payload("git", "updates"))
    assert [event.kind for event in parsed.events] == [EventKind.PUSH, EventKind.TAG]
    assert parsed.ignored == "refs/heads/old was deleted; refs/notes/commits is neither a branch nor a tag"


def test_plain_git_takes_shas_of_64_digits() -> None:
    event = one_event(parse("git", payload("git", "push_sha256")))
    assert (event.sha, event.before) == ("d" * 64, "")
    assert "deleted" in parse("git", payload("git", "branch_deleted_sha256")).ignored


def test_plain_git_push_of_a_great_many_refs_starts_nothing() -> None:
    update = json.loads(payload("git", "push"))
    parsed = parse("git", json.dumps({"updates": [update] * 51}).encode())
    assert parsed.events == ()
    assert "at most 50" in parsed.ignored


# Bitbucket


def test_bitbucket_push_of_several_changes_gives_an_event_each() -> None:
    said = parse("bitbucket", payload("bitbucket", "push_several"))
    assert [(event.kind, event.ref) for event in said.events] == [
        (EventKind.PUSH, "refs/heads/main"),
        (EventKind.TAG, "refs/tags/v1.0"),
    ]
    assert said.ignored == "refs/heads/old was deleted"


def test_bitbucket_push_of_a_great_many_changes_starts_nothing() -> None:
    values = json.loads(payload("bitbucket", "push"))
    values["push"]["changes"] *= 51
    said = parse("bitbucket", json.dumps(values).encode())
    assert said.events == ()
    assert "at most 50" in said.ignored


def test_bitbucket_push_says_who_and_what() -> None:
    event = one_event(parse("bitbucket", payload("bitbucket", "push")))
    assert event.message == "Add the mill's wheel\n\nIt turns."
    assert (event.author, event.author_email, event.sender) == ("Ada Lovelace", "ada@example.org", "ada")
    assert event.repository.private is False


def test_bitbucket_delivery_has_the_same_key_at_each_attempt() -> None:
    keys = set()
    for attempt in (1, 2, 3):
        sent = sending.bitbucket(payload("bitbucket", "push"), SECRET, key="u1", attempt=attempt)
        keys.add(reading("bitbucket", sent.headers, sent.body, repository("bitbucket")).key)
    assert keys == {"u1"}


def test_bitbucket_pull_request_has_the_first_digits_of_its_commit_and_its_branch() -> None:
    event = one_event(parse("bitbucket", payload("bitbucket", "pull_request"), event="pullrequest:updated"))
    assert (event.kind, event.sha, event.ref) == (EventKind.PULL_REQUEST, "b" * 12, "refs/heads/oil")
    assert (event.branch, event.message, event.sender) == ("main", "Oil the wheel", "eve")
    assert event.pull_request == PullRequest(number=7, source_branch="oil", target_branch="main")


def test_bitbucket_merged_pull_request_is_at_its_merge_on_the_target() -> None:
    event = one_event(parse("bitbucket", payload("bitbucket", "pull_request_merged"), event="pullrequest:fulfilled"))
    assert (event.kind, event.sha, event.ref) == (EventKind.PULL_REQUEST_CLOSED, "d" * 12, "refs/heads/main")


def fork_event(change: Callable[[dict[str, Any]], object] = lambda _: None, name: str = "created") -> Reading:
    values = json.loads(payload("bitbucket", "pull_request_fork"))
    change(values["pullrequest"])
    return parse("bitbucket", json.dumps(values).encode(), event=f"pullrequest:{name}")


def test_bitbucket_pull_request_from_a_fork_names_the_fork_and_a_ref_of_its_own() -> None:
    """Its branch may be called as one of ours; approvals and newer pushes go by the ref."""
    event = one_event(fork_event())
    assert (event.kind, event.sha, event.ref) == (EventKind.PULL_REQUEST, "b" * 12, "refs/pull-requests/7/from")
    assert event.pull_request == PullRequest(
        number=7, source_branch="oil", target_branch="main", from_fork=True, source_repository="eve/web"
    )
    assert event.repository.clone_url == "https://bitbucket.example.org/acme/web.git"


def test_bitbucket_pull_request_from_a_fork_that_is_gone_starts_nothing() -> None:
    said = parse("bitbucket", payload("bitbucket", "pull_request_fork_gone"), event="pullrequest:created")
    assert said.ignored == "the pull request is from a fork that is gone, and its commits with it"


def test_bitbucket_merged_pull_request_from_a_fork_is_at_its_merge_and_still_a_forks() -> None:
    event = one_event(fork_event(lambda request: request.update(merge_commit={"hash": "d" * 12}), "fulfilled"))
    assert (event.kind, event.sha, event.ref) == (EventKind.PULL_REQUEST_CLOSED, "d" * 12, "refs/heads/main")
    assert event.pull_request is not None
    assert (event.pull_request.from_fork, event.pull_request.source_repository) == (True, "")


@pytest.mark.parametrize(
    "name", ["eve", "eve/web/x", "../web", "eve/..", "eve/web@x", "e ve/web", "/web", "eve/", 5, {}]
)
def test_bitbucket_fork_whose_name_could_lead_elsewhere_is_malformed(name: object) -> None:
    with pytest.raises(Malformed, match="full_name is"):
        fork_event(lambda request: request["source"]["repository"].update(full_name=name))


def test_bitbucket_bookmark_is_neither_a_branch_nor_a_tag() -> None:
    assert "neither a branch nor a tag" in parse("bitbucket", payload("bitbucket", "push_bookmark")).ignored
