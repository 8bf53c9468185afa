"""What every forge promises, over all four; then what is particular to each."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.event import Event, EventKind
from tests.worker import deliveries
from tests.worker.deliveries import PAYLOADS, SEND, Sent, payload
from worker.errors import Malformed, Refused
from worker.forges import FORGES
from worker.forges.base import Parsed
from worker.store.repositories import StoredRepository

SECRET = "It's a Secret to Everybody"
ALL = pytest.mark.parametrize("forge", list(FORGES))
OLD, NEW = "a" * 40, "b" * 40


def repository(forge: str) -> StoredRepository:
    return StoredRepository(
        id=1,
        owner="acme",
        name="web",
        forge=forge,
        clone_url=f"https://{forge}.example.org/acme/web.git",
        url=f"https://{forge}.example.org/acme/web",
        default_branch="main",
        secret=SECRET,
        last_number=0,
        created_at="2026-11-24T03:04:05.678Z",
    )


def verify(forge: str, sent: Sent, *, secret: str = SECRET, now: float | None = None) -> None:
    at = now if now is not None else float(sent.headers.get("webhook-timestamp", "0"))
    FORGES[forge].verify(sent.headers, sent.body, secret, at)


def parse(forge: str, body: bytes, **options: str) -> Parsed:
    sent = SEND[forge](body, SECRET, **options)
    return FORGES[forge].parse(sent.headers, sent.body, repository(forge))


def one_event(parsed: Parsed) -> Event:
    assert len(parsed.events) == 1, parsed.ignored
    return parsed.events[0]


def changed(forge: str, name: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    values = json.loads(payload(forge, name))
    change(values)
    return json.dumps(values).encode()


EVENT_NAMES = {
    ("gitlab", "tag"): "Tag Push Hook",
    ("gitlab", "tag_deleted"): "Tag Push Hook",
    ("gitea", "branch_deleted"): "delete",
}


def named_event(forge: str, name: str) -> dict[str, str]:
    event = EVENT_NAMES.get((forge, name))
    return {"event": event} if event else {}


# What every forge promises


@ALL
def test_delivery_signed_with_the_secret_is_verified(forge: str) -> None:
    verify(forge, SEND[forge](payload(forge, "push"), SECRET))


@ALL
def test_delivery_signed_with_another_secret_is_refused(forge: str) -> None:
    with pytest.raises(Refused):
        verify(forge, SEND[forge](payload(forge, "push"), "another"))


@ALL
def test_empty_secret_never_verifies_anything(forge: str) -> None:
    with pytest.raises(Refused):
        verify(forge, SEND[forge](payload(forge, "push"), ""), secret="")


@ALL
def test_delivery_without_any_proof_is_refused(forge: str) -> None:
    with pytest.raises(Refused):
        verify(forge, Sent(body=payload(forge, "push")))


@pytest.mark.parametrize("forge", [forge for forge in FORGES if forge != "gitlab"])  # its token doesn't cover the body
def test_one_changed_bit_in_the_body_is_refused(forge: str) -> None:
    sent = SEND[forge](payload(forge, "push"), SECRET)
    body = bytes([*sent.body[:-2], sent.body[-2] ^ 1, *sent.body[-1:]])
    with pytest.raises(Refused):
        verify(forge, replace(sent, body=body))


# GitLab's new signatures and ours are one scheme, and Gitea sends GitHub's beside its own.
STRANGERS = [("github", "gitlab"), ("gitlab", "gitea"), ("gitlab", "github"), ("gitea", "github"), ("git", "gitea")]


@pytest.mark.parametrize(("forge", "other"), STRANGERS)
def test_proof_in_the_form_of_another_forge_is_refused(forge: str, other: str) -> None:
    with pytest.raises(Refused):
        verify(forge, SEND[other](b"{}", SECRET))


@ALL
def test_push_becomes_an_event_of_our_own_repository(forge: str) -> None:
    event = one_event(parse(forge, payload(forge, "push")))
    assert (event.kind, event.ref, event.branch) == (EventKind.PUSH, "refs/heads/main", "main")
    assert (event.before, event.sha) == (OLD, NEW)
    assert event.changed_files is None  # git says which, never the payload
    # The payloads name evil/other.git as their clone URL.
    assert event.repository.clone_url == f"https://{forge}.example.org/acme/web.git"
    assert event.repository.forge == f"{forge}.example.org"


@ALL
def test_tag_becomes_a_tag_event(forge: str) -> None:
    event = one_event(parse(forge, payload(forge, "tag"), **named_event(forge, "tag")))
    assert (event.kind, event.tag, event.branch, event.before) == (EventKind.TAG, "v1.0", "", "")


@ALL
@pytest.mark.parametrize("name", ["branch_deleted", "tag_deleted"])
def test_deletion_starts_nothing(forge: str, name: str) -> None:
    parsed = parse(forge, payload(forge, name), **named_event(forge, name))
    assert parsed.events == ()
    assert "deleted" in parsed.ignored


@ALL
def test_key_of_a_delivery_is_the_forges(forge: str) -> None:
    assert parse(forge, payload(forge, "push"), key="72d3162e-cc78-11e3").key == "72d3162e-cc78-11e3"


@ALL
def test_delivery_without_a_key_is_malformed(forge: str) -> None:
    sent = SEND[forge](payload(forge, "push"), SECRET)
    keys = ("x-github-delivery", "x-gitea-delivery", "idempotency-key", "x-gitlab-webhook-uuid", "webhook-id")
    headers = {name: value for name, value in sent.headers.items() if name not in keys}
    with pytest.raises(Malformed, match="expected the id of the delivery"):
        FORGES[forge].parse(headers, sent.body, repository(forge))


@ALL
@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"null", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_body_that_is_no_payload_is_malformed(forge: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(forge, body)


@ALL
@pytest.mark.parametrize(
    "ref",
    [
        *("main", "", "refs/heads/", "refs/heads/-x", "refs/heads/a..b", "refs/heads/a b", "refs/heads/a\nb"),
        *("refs/heads/.x", "refs/heads/x.lock", "refs/heads/x.", "refs/heads//x", "refs/heads/@{1}", "--upload-pack=x"),
        *("refs/heads/" + "x" * 2000, "refs/heads/a\\b", "refs/heads/a*", 5, None, ["refs/heads/main"]),
    ],
)
def test_ref_that_git_would_not_take_is_malformed(forge: str, ref: object) -> None:
    with pytest.raises(Malformed, match="ref is"):
        parse(forge, changed(forge, "push", lambda values: values.update(ref=ref)))


@ALL
@pytest.mark.parametrize("sha", ["", "b" * 39, "b" * 41, "g" * 40, "B" * 40, "HEAD", 5, None, "b" * 40 + "\n"])
def test_sha_that_is_not_40_or_64_digits_is_malformed(forge: str, sha: object) -> None:
    with pytest.raises(Malformed, match="after is"):
        parse(forge, changed(forge, "push", lambda values: values.update(after=sha)))


@ALL
def test_zero_sha_of_64_digits_is_a_deletion_too(forge: str) -> None:
    parsed = parse(forge, changed(forge, "push", lambda values: values.update(after="0" * 64)))
    assert "deleted" in parsed.ignored


@ALL
def test_ref_that_is_no_branch_and_no_tag_starts_nothing(forge: str) -> None:
    parsed = parse(forge, changed(forge, "push", lambda values: values.update(ref="refs/notes/commits")))
    assert "neither a branch nor a tag" in parsed.ignored


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea"])
def test_skip_ci_in_the_commit_message_starts_nothing(forge: str) -> None:
    parsed = parse(forge, payload(forge, "push_skip"))
    assert parsed.ignored == "the commit message says [skip ci]"


def test_skip_ci_on_a_tag_is_not_obeyed() -> None:
    assert parse("github", payload("github", "tag")).events  # its commit says [skip ci]


@pytest.mark.parametrize("path", sorted(PAYLOADS.rglob("*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
@given(data=st.data())
def test_wrong_types_anywhere_are_malformed_and_nothing_worse(path: Any, data: st.DataObject) -> None:
    """Every single field of every payload, replaced by something else."""
    values = json.loads(path.read_bytes())
    places = list(places_of(values))
    holder, name = data.draw(st.sampled_from(places))
    odd: list[Any] = [None, 5, -1, 2**70, 1.5, True, "x", "", "\0", [], {}, [[]], [5]]
    holder[name] = data.draw(st.sampled_from(odd))
    forge = path.parent.name
    event = "pull_request" if "pull_request" in values else "push"
    if forge == "gitlab":
        event = "Merge Request Hook" if "object_attributes" in values else "Push Hook"
    with suppress(Malformed):
        parse(forge, json.dumps(values).encode(), event=event)


def places_of(values: Any) -> Any:
    for name, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield values, name
        if isinstance(value, dict | list):
            yield from places_of(value)


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
    sent = deliveries.github(deliveries.form(payload("github", "push")), SECRET)
    sent = replace(sent, headers={**sent.headers, "content-type": f"{deliveries.FORM}; charset=utf-8"})
    verify("github", sent)
    assert one_event(FORGES["github"].parse(sent.headers, sent.body, repository("github"))).sha == NEW


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


def test_github_label_on_a_pull_request_starts_nothing() -> None:
    parsed = parse("github", payload("github", "pull_request_labeled"), event="pull_request")
    assert parsed.ignored == "pull request 'labeled' starts no run"


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
    sent = deliveries.gitlab_signed(payload("gitlab", "push"), SECRET, at=NOW)
    with pytest.raises(Refused, match="300 s"):
        verify("gitlab", sent, now=NOW + seconds)
    verify("gitlab", sent, now=NOW + seconds // 301 * 300)


def test_gitlab_wrong_signature_is_not_made_up_for_by_the_token() -> None:
    sent = deliveries.gitlab(payload("gitlab", "push"), SECRET)
    for signature in ("", "v1,AAAA", "v2,x"):
        headers = {**sent.headers, "webhook-signature": signature, "webhook-timestamp": str(NOW), "webhook-id": "k1"}
        with pytest.raises(Refused):
            verify("gitlab", replace(sent, headers=headers), now=NOW)


def test_gitlab_signed_delivery_has_the_key_that_is_signed() -> None:
    sent = deliveries.gitlab_signed(payload("gitlab", "push"), SECRET, key="signed")
    headers = {**sent.headers, "idempotency-key": "anyone's"}
    assert FORGES["gitlab"].parse(headers, sent.body, repository("gitlab")).key == "signed"


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


@pytest.mark.parametrize("name", ["merge_request_labeled", "merge_request_merged"])
def test_gitlab_merge_request_without_new_commits_starts_nothing(name: str) -> None:
    assert "without new commits" in parse("gitlab", payload("gitlab", name), event="Merge Request Hook").ignored


def test_gitlab_new_branch_without_commits_is_built() -> None:
    event = one_event(parse("gitlab", payload("gitlab", "push_new_branch")))
    assert (event.branch, event.message) == ("feature", "")


# Gitea and Forgejo


def test_gitea_signs_the_json_within_a_form() -> None:
    text = payload("gitea", "push")
    sent = deliveries.gitea(text, SECRET)
    sent = Sent(body=deliveries.form(text), headers={**sent.headers, "content-type": deliveries.FORM})
    verify("gitea", sent)
    assert one_event(FORGES["gitea"].parse(sent.headers, sent.body, repository("gitea"))).sha == NEW


@pytest.mark.parametrize("body", [b"payload=1&payload=2", b"x=1", b"\xff", b""])
def test_gitea_form_without_one_payload_is_refused(body: bytes) -> None:
    sent = deliveries.gitea(body, SECRET)
    with pytest.raises(Refused):
        verify("gitea", replace(sent, headers={**sent.headers, "content-type": deliveries.FORM}))


def test_forgejo_signs_under_its_own_name() -> None:
    sent = deliveries.gitea(payload("gitea", "push"), SECRET)
    renamed = {name.replace("gitea", "forgejo"): value for name, value in sent.headers.items()}
    verify("gitea", replace(sent, headers=renamed))
    assert FORGES["gitea"].parse(renamed, sent.body, repository("gitea")).key == "k1"


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


def test_secret_in_a_payload_is_not_stored() -> None:
    parsed = parse("gitea", payload("gitea", "push_with_secret"))
    assert b"swordfish" not in parsed.payload
    assert json.loads(parsed.payload)["after"] == NEW


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
