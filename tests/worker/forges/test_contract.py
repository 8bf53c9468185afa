"""What every forge promises, over all of them: each is a fact about what it sends."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.event import EventKind, Release
from tests.worker.forges.saying import ALL, NEW, OLD, SECRET, named_event, one_event, parse, repository, verify
from tests.worker.forges.sending import PAYLOADS, SEND, Sent, payload
from worker.errors import Malformed, Refused
from worker.forges import FORGES
from worker.forges.base import reading


def changed(forge: str, name: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    values = json.loads(payload(forge, name))
    change(values)
    return json.dumps(values).encode()


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
STRANGERS = [
    *(("github", "gitlab"), ("gitlab", "gitea"), ("gitlab", "github"), ("gitea", "github"), ("git", "gitea")),
    *(("forgejo", "gitea"), ("bitbucket", "github"), ("github", "bitbucket"), ("bitbucket", "gitlab")),
]


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
def test_forced_push_is_a_push_whose_old_commit_git_will_look_at(forge: str) -> None:
    event = one_event(parse(forge, payload(forge, "push_forced")))
    assert (event.kind, event.before, event.sha) == (EventKind.PUSH, "c" * 40, NEW)


PULL_REQUESTS = {
    "github": ("pull_request", "pull_request_synchronize", "pull_request_closed", "pull_request_labeled"),
    "gitlab": ("merge_request", "merge_request_updated", "merge_request_closed", "merge_request_labeled"),
    "gitea": ("pull_request", "pull_request_synchronized", "pull_request_closed", "pull_request_labeled"),
    "forgejo": ("pull_request", "pull_request_synchronized", "pull_request_closed", "pull_request_labeled"),
    "bitbucket": ("pull_request", "pull_request", "pull_request_declined"),
}
PULL_REQUEST_KINDS = (
    *(EventKind.PULL_REQUEST, EventKind.PULL_REQUEST),
    *(EventKind.PULL_REQUEST_CLOSED, EventKind.PULL_REQUEST_METADATA),
)


@pytest.mark.parametrize("forge", PULL_REQUESTS)
def test_pull_request_is_built_when_it_opens_or_moves_and_told_apart_when_it_closes(forge: str) -> None:
    for name, kind in zip(PULL_REQUESTS[forge], PULL_REQUEST_KINDS, strict=False):
        event = one_event(parse(forge, payload(forge, name), **named_event(forge, name)))
        assert (event.kind, event.branch) == (kind, "main"), name
        assert event.pull_request is not None
        assert (event.pull_request.number, event.pull_request.source_branch) == (7, "oil")
        assert event.repository.clone_url == f"https://{forge}.example.org/acme/web.git"


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea", "forgejo"])
def test_release_is_of_its_tag(forge: str) -> None:
    event = one_event(parse(forge, payload(forge, "release"), **named_event(forge, "release")))
    assert (event.kind, event.tag, event.branch) == (EventKind.RELEASE, "v1.0", "")
    assert event.sha == (NEW if forge == "gitlab" else ""), "where the forge doesn't name the commit, git will"
    assert event.release == Release(title="The wheel", prerelease=forge != "gitlab")


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea", "forgejo"])
def test_release_that_is_only_edited_starts_nothing(forge: str) -> None:
    edited = changed(forge, "release", lambda values: values.update(action="edited"))
    assert "release 'edited'" in parse(forge, edited, **named_event(forge, "release")).ignored


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
    keys = {"x-github-delivery", "x-gitea-delivery", "x-forgejo-delivery", "x-request-uuid"}
    keys |= {"idempotency-key", "x-gitlab-webhook-uuid", "webhook-id"}
    headers = {name: value for name, value in sent.headers.items() if name not in keys}
    with pytest.raises(Malformed, match="expected the id of the delivery"):
        reading(forge, headers, sent.body, repository(forge))


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
    with pytest.raises(Malformed, match=r"(ref|name) is"):
        parse(forge, changed(forge, "push", set_ref(forge, ref)))


@ALL
@pytest.mark.parametrize("sha", ["", "b" * 39, "b" * 41, "g" * 40, "B" * 40, "HEAD", 5, None, "b" * 40 + "\n"])
def test_sha_that_is_not_40_or_64_digits_is_malformed(forge: str, sha: object) -> None:
    with pytest.raises(Malformed, match=r"(after|hash) is"):
        parse(forge, changed(forge, "push", set_after(forge, sha)))


@ALL
def test_zero_sha_of_64_digits_is_a_deletion_too(forge: str) -> None:
    parsed = parse(forge, changed(forge, "push", set_after(forge, "0" * 64)))
    assert "deleted" in parsed.ignored


@pytest.mark.parametrize("forge", [forge for forge in FORGES if forge != "bitbucket"])  # it has a word for each kind
def test_ref_that_is_no_branch_and_no_tag_starts_nothing(forge: str) -> None:
    parsed = parse(forge, changed(forge, "push", set_ref(forge, "refs/notes/commits")))
    assert "neither a branch nor a tag" in parsed.ignored


@pytest.mark.parametrize("forge", [forge for forge in FORGES if forge != "git"])  # git knows it when it plans
def test_skip_ci_in_the_commit_message_starts_nothing(forge: str) -> None:
    parsed = parse(forge, payload(forge, "push_skip"))
    assert parsed.ignored == "the commit message says [skip ci]"


@pytest.mark.parametrize("forge", ["github", "bitbucket"])  # their commits say [skip ci]
def test_skip_ci_on_a_tag_is_not_obeyed(forge: str) -> None:
    assert parse(forge, payload(forge, "tag")).events


@pytest.mark.parametrize("path", sorted(PAYLOADS.rglob("*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
@given(data=st.data())
def test_wrong_types_anywhere_are_malformed_and_nothing_worse(path: Any, data: st.DataObject) -> None:
    """Every single field of every payload, replaced by something else."""
    values = json.loads(path.read_bytes())
    places = list(places_of(values))
    holder, name = data.draw(st.sampled_from(places))
    odd: list[Any] = [None, 5, -1, 2**70, 1.5, True, "x", "", "\0", [], {}, [[]], [5]]
    holder[name] = data.draw(st.sampled_from(odd))
    forge = next(part for part in path.parts if part in FORGES)
    with suppress(Malformed):
        parse(forge, json.dumps(values).encode(), **named_event(forge, path.stem))


def set_ref(forge: str, ref: object) -> Callable[[dict[str, Any]], object]:
    """Puts this where a push says what has moved. Bitbucket says short names."""
    if forge != "bitbucket":
        return lambda values: values.update(ref=ref)
    name = ref.removeprefix("refs/heads/") if isinstance(ref, str) else ref
    return lambda values: values["push"]["changes"][0]["new"].update(name=name if name != "main" else "")


def set_after(forge: str, sha: object) -> Callable[[dict[str, Any]], object]:
    """Puts this where a push says what is there now."""
    if forge != "bitbucket":
        return lambda values: values.update(after=sha)
    return lambda values: values["push"]["changes"][0]["new"]["target"].update(hash=sha)


def places_of(values: Any) -> Any:
    for name, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield values, name
        if isinstance(value, dict | list):
            yield from places_of(value)
