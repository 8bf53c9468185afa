"""What is kept of a delivery holds no proof, no secret and no login."""

import json

import pytest

from tests.worker.forges.saying import ALL, SECRET
from tests.worker.forges.sending import SEND, gitlab_signed, payload
from worker.forges import FORGES
from worker.forges.scrub import kept_headers, scrubbed


@ALL
def test_headers_that_are_kept_say_what_was_sent_and_prove_nothing(forge: str) -> None:
    sent = SEND[forge](payload(forge, "push"), SECRET)
    others = {"authorization": "Bearer swordfish", "cookie": "a=b", "x-hub-signature": "sha1=x"}
    kept = kept_headers(FORGES[forge], {**others, **sent.headers})
    assert "k1" in kept.values()
    assert not {name for name in kept if "signature" in name or "token" in name or name in ("authorization", "cookie")}
    assert SECRET not in str(kept)


def test_headers_of_a_signed_gitlab_delivery_are_kept_without_the_signature() -> None:
    sent = gitlab_signed(payload("gitlab", "push"), SECRET)
    assert set(kept_headers(FORGES["gitlab"], sent.headers)) == {
        *("content-type", "idempotency-key", "webhook-id", "webhook-timestamp", "x-gitlab-event")
    }


def test_secret_that_old_giteas_send_is_gone_and_the_rest_is_as_it_was() -> None:
    text = scrubbed(payload("gitea", "push_with_secret"), SECRET)
    assert b"swordfish" not in text
    assert json.loads(text)["after"] == "b" * 40


@pytest.mark.parametrize(
    "text",
    [
        '{"secret":"swordfish"}',
        '{"hook": {"config": {"Token" : "sword\\"fish"}}}',
        '{"password":"swordfish',
        '{"url":"https://ada:swordfish@example.org/x"}',
        '{"message":"the key is swordfish-itself"}',
    ],
)
def test_secret_is_gone_wherever_it_stands(text: str) -> None:
    assert b"fish" not in scrubbed(text.encode(), "swordfish-itself")


def test_payload_without_secrets_is_kept_byte_for_byte() -> None:
    for forge in SEND:
        assert scrubbed(payload(forge, "push"), SECRET) == payload(forge, "push")
