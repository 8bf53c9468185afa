"""Every forge takes every status of ours, in its own words; what it answers is understood."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from pipelines.status import Status
from tests.worker.statuses.fakeforge import (
    REPOSITORY,
    TOKEN,
    FakeForge,
    answers,
    drips,
    fake_forge,
    garbage,
    hangs,
    huge,
    redirects,
    resets,
)
from worker.forges import FORGES
from worker.statuses.bitbucket import Bitbucket
from worker.statuses.client import ForgeClient, Unreachable
from worker.statuses.commitstatus import CommitStatus
from worker.statuses.dialect import Answer, Place
from worker.statuses.dialects import DIALECTS
from worker.statuses.github import GitHub
from worker.statuses.verdict import Outcome, Verdict, judged

SHA = "b" * 40
every_forge = pytest.mark.parametrize("name", DIALECTS)


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with fake_forge() as server:
        yield server


def said(status: Status = Status.SUCCESS, *, context: str = "headrace/push", description: str = "") -> CommitStatus:
    return CommitStatus(
        sha=SHA,
        context=context,
        ref="main",
        status=status,
        description=description or status.value,
        url="https://ci.example.org/acme/web/runs/1",
    )


def told(
    forge: FakeForge,
    name: str,
    status: CommitStatus,
    *,
    token: str = TOKEN,
    repository: str = REPOSITORY,
    patience_seconds: float = 30,
) -> Verdict:
    """What became of telling the forge once."""
    place = Place(address=forge.url, repository=repository, token=token)

    async def tell() -> Answer:
        async with ForgeClient(patience_seconds=patience_seconds) as client:
            return await client.send(DIALECTS[name].call(place, status))

    return judged(DIALECTS[name], asyncio.run(tell()), now=time.time())


@every_forge
@pytest.mark.parametrize("status", Status)
def test_every_forge_takes_every_status(forge: FakeForge, name: str, status: Status) -> None:
    assert told(forge, name, said(status)).outcome is Outcome.TAKEN
    (taken,) = forge.taken
    assert (taken.repository, taken.sha, taken.url) == (REPOSITORY, SHA, "https://ci.example.org/acme/web/runs/1")


@every_forge
def test_what_has_not_ended_never_looks_as_if_it_had(forge: FakeForge, name: str) -> None:
    final = set()
    for status in Status:
        told(forge, name, said(status, context=f"c/{status}"))
        if status.is_terminal:
            final.add(forge.taken[-1].state)
    for status in (Status.PENDING, Status.RUNNING, Status.BLOCKED):
        told(forge, name, said(status, context=f"d/{status}"))
        assert forge.taken[-1].state not in final


@every_forge
def test_only_what_counts_as_success_is_green(forge: FakeForge, name: str) -> None:
    told(forge, name, said(Status.SUCCESS))
    green = forge.taken[-1].state
    for status in Status:
        told(forge, name, said(status, context=f"c/{status}"))
        assert forge.taken[-1].state != green or status.counts_as_success


@every_forge
def test_long_texts_and_odd_characters_are_made_to_fit(forge: FakeForge, name: str) -> None:
    status = said(description="🚀 a\nb\0" + "x" * 2000, context="headrace/push/" + "y" * 2000)
    assert told(forge, name, status).outcome is Outcome.TAKEN
    assert forge.taken[0].description.startswith("� a b�x")


@every_forge
def test_two_long_names_stay_two(forge: FakeForge, name: str) -> None:
    for end in "ab":
        told(forge, name, said(context="headrace/push/" + "y" * 2000 + end))
    assert len(forge.contexts()) == 2


@every_forge
def test_an_owner_with_parts_is_found(forge: FakeForge, name: str) -> None:
    """GitLab's groups; the others have none, and say so."""
    forge.repositories.add("acme/mills/web")
    expected = Outcome.TAKEN if name == "gitlab" else Outcome.REFUSED
    assert told(forge, name, said(), repository="acme/mills/web").outcome is expected


@every_forge
def test_wrong_token_is_refused_and_is_not_shown(forge: FakeForge, name: str) -> None:
    verdict = told(forge, name, said(), token="wrong-token")
    assert verdict.outcome is Outcome.REFUSED
    assert verdict.phrase.startswith("answers 401: the token is not good")
    assert "wrong-token" not in verdict.phrase


@every_forge
def test_unknown_repository_is_refused(forge: FakeForge, name: str) -> None:
    verdict = told(forge, name, said(), repository="acme/other")
    assert (verdict.outcome, verdict.phrase[:12]) == (Outcome.REFUSED, "answers 404:")


@every_forge
def test_forge_that_fails_is_asked_again_later(forge: FakeForge, name: str) -> None:
    for status in (408, 409, 425, 429, 500, 502, 503, 504):
        forge.plan.append(answers(status))
        assert told(forge, name, said()).outcome is Outcome.LATER, status


@every_forge
def test_what_a_forge_will_never_take_is_not_tried_again(forge: FakeForge, name: str) -> None:
    for status in (400, 401, 403, 404, 410, 422):
        forge.plan.append(answers(status))
        assert told(forge, name, said()).outcome is Outcome.REFUSED, status


@every_forge
def test_the_wait_that_a_forge_asks_for_is_heard(forge: FakeForge, name: str) -> None:
    forge.plan += [
        answers(429, retry_after="17"),
        answers(403, retry_after="18"),
        answers(503, retry_after="Fri, 31 Dec 9999 23:59:59 GMT"),
        answers(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(time.time()) + 500)),
        answers(429, ratelimit_remaining="0", ratelimit_reset="nonsense"),
        answers(429, retry_after="999999999"),
    ]
    verdicts = [told(forge, name, said()) for _ in range(6)]
    assert {verdict.outcome for verdict in verdicts} == {Outcome.LATER}
    waits = [verdict.wait_seconds for verdict in verdicts]
    assert waits[:3] == [17, 18, 60]
    assert 480 < waits[3] <= 500
    assert waits[4:] == [60, 3600]


@every_forge
def test_last_request_that_is_allowed_says_when_there_are_more(forge: FakeForge, name: str) -> None:
    forge.plan.append(answers(201, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(time.time()) + 30)))
    verdict = told(forge, name, said())
    assert verdict.outcome is Outcome.TAKEN
    assert 20 < verdict.wait_seconds <= 30


@every_forge
def test_page_for_browsers_is_not_taken_for_a_success(forge: FakeForge, name: str) -> None:
    forge.plan.append(garbage)
    verdict = told(forge, name, said())
    assert (verdict.outcome, "--forge-url" in verdict.phrase) == (Outcome.LATER, True)


@every_forge
def test_answer_without_end_is_not_read_to_its_end(forge: FakeForge, name: str) -> None:
    forge.plan.append(huge)
    assert told(forge, name, said()).outcome is Outcome.LATER


@every_forge
@pytest.mark.parametrize("misbehaviour", [hangs, drips, resets])
def test_forge_that_does_not_answer_is_given_up_soon(forge: FakeForge, name: str, misbehaviour: object) -> None:
    forge.always = misbehaviour  # type: ignore[assignment] # one of them
    with pytest.raises(Unreachable, match=r"^(gives no answer within 1 s|can't be reached: .+)$"):
        told(forge, name, said(), patience_seconds=1)


@every_forge
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_elsewhere_gets_neither_token_nor_status(forge: FakeForge, name: str, status: int) -> None:
    with fake_forge() as elsewhere:
        forge.plan.append(redirects(elsewhere.url, status))
        verdict = told(forge, name, said())
        assert verdict.outcome is Outcome.REFUSED
        assert elsewhere.url in verdict.phrase
        assert elsewhere.seen == []


@every_forge
def test_renamed_repository_is_found_on_the_same_server(forge: FakeForge, name: str) -> None:
    forge.plan.append(redirects(""))  # to itself, which is no news
    assert told(forge, name, said()).outcome is Outcome.REFUSED
    forge.plan.append(answers(307, location=f"{_path(forge, name)}"))
    assert told(forge, name, said(), repository="acme/old").outcome is Outcome.TAKEN
    assert forge.taken[0].repository == REPOSITORY


def _path(forge: FakeForge, name: str) -> str:
    place = Place(address=forge.url, repository=REPOSITORY, token=TOKEN)
    return DIALECTS[name].call(place, said()).url.removeprefix(forge.url)


@every_forge
def test_chain_of_redirects_is_followed_for_one_step(forge: FakeForge, name: str) -> None:
    forge.plan += [answers(307, location="/one"), answers(307, location="/two")]
    assert told(forge, name, said()).outcome is Outcome.REFUSED
    assert len(forge.seen) == 2


def test_gitlab_that_refuses_a_repetition_has_the_status_already(forge: FakeForge) -> None:
    for status in (Status.PENDING, Status.PENDING, Status.RUNNING, Status.RUNNING, Status.PENDING, Status.SUCCESS):
        assert told(forge, "gitlab", said(status)).outcome is Outcome.TAKEN
    assert [seen.status for seen in forge.seen] == [201, 400, 201, 400, 400, 201]
    assert forge.states("headrace/push") == ["pending", "running", "success"]


def test_gitlab_hears_of_the_ref() -> None:
    call = DIALECTS["gitlab"].call(Place(address="https://gitlab.com", repository="a/b", token=TOKEN), said())
    assert (call.url, call.body["ref"]) == (f"https://gitlab.com/api/v4/projects/a%2Fb/statuses/{SHA}", "main")


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://github.example.org", "https://github.example.org/api/v3"),
        ("https://example.org/github", "https://example.org/github/api/v3"),
    ],
)
def test_api_of_github_is_found_from_its_address(address: str, api: str) -> None:
    call = GitHub().call(Place(address=address, repository="a/b", token=TOKEN), said())
    assert call.url == f"{api}/repos/a/b/statuses/{SHA}"


def test_bitbuckets_token_of_a_person_comes_with_their_name(forge: FakeForge) -> None:
    forge.token = "ann@example.org:token"
    assert told(forge, "bitbucket", said(), token=forge.token).outcome is Outcome.TAKEN
    place = Place(address="https://bitbucket.org", repository="a/b", token="t")
    assert Bitbucket().call(place, said()).url.startswith("https://api.bitbucket.org/2.0/repositories/a/b/commit/")


@pytest.mark.parametrize("token", ["two\nlines", "smörgås"])
def test_token_that_no_header_can_hold_is_not_shown(forge: FakeForge, token: str) -> None:
    with pytest.raises(Unreachable) as caught:
        told(forge, "github", said(), token=token)
    assert token not in str(caught.value)
    assert caught.value.__cause__ is None
    assert forge.seen == []


def test_environment_names_no_proxy(forge: FakeForge, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert told(forge, "github", said()).outcome is Outcome.TAKEN


def test_proxy_of_the_settings_is_used(forge: FakeForge) -> None:
    place = Place(address="http://git.example.org", repository=REPOSITORY, token=TOKEN)

    async def tell() -> Answer:
        async with ForgeClient(patience_seconds=30, proxy=forge.url) as client:
            return await client.send(DIALECTS["gitea"].call(place, said()))

    asyncio.run(tell())
    assert forge.seen[0].path == f"http://git.example.org/api/v1/repos/acme/web/statuses/{SHA}"


def test_token_is_in_no_representation() -> None:
    place = Place(address="https://github.com", repository="a/b", token=TOKEN)
    assert TOKEN not in repr(place) + repr(GitHub().call(place, said()))


def test_every_forge_but_plain_git_takes_statuses() -> None:
    assert set(DIALECTS) == set(FORGES) - {"git"}
