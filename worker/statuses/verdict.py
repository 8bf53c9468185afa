"""Verdict: what a forge's answer to a status means: it is there, it is to be tried later, or it will never be taken."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from worker.statuses.commitstatus import cut
from worker.statuses.dialect import Answer, Dialect

LONGEST_WAIT_SECONDS = 3600.0
_PASSING = frozenset({408, 409, 425, 429})
_LIMITED = frozenset({403, 429})
_MOST_WORDS = 200
_WHY = {
    401: "the token is not good, or not any more",
    403: "the token may not set commit statuses",
    404: "it knows no such repository or commit, or the token may not see it",
}


class Outcome(Enum):
    """What becomes of the status."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An outcome with one phrase for people, which goes on from the forge's name.

    `wait_seconds` is how long the forge asks to be left alone.
    """

    outcome: Outcome
    phrase: str = ""
    wait_seconds: float = 0.0


def judged(dialect: Dialect, answer: Answer, *, now: float) -> Verdict:
    """What this answer means. `now` is in seconds since 1970."""
    wait = _asked_wait(answer, now)
    if 200 <= answer.status < 300:
        return _judged_success(answer, wait)
    if dialect.is_repetition(answer):
        return Verdict(outcome=Outcome.TAKEN, wait_seconds=wait)
    if answer.status >= 500 or answer.status in _PASSING or (answer.status in _LIMITED and wait):
        return Verdict(outcome=Outcome.LATER, phrase=_phrase(answer), wait_seconds=wait)
    return Verdict(outcome=Outcome.REFUSED, phrase=_phrase(answer))


def _judged_success(answer: Answer, wait: float) -> Verdict:
    """A page for browsers, say of a proxy's that asks for a login, is no answer of an API's."""
    if not answer.is_whole or not isinstance(_decoded(answer), dict):
        return Verdict(
            outcome=Outcome.LATER,
            phrase=f"answers {answer.status} with what is not of its API: check --forge-url",
        )
    return Verdict(outcome=Outcome.TAKEN, wait_seconds=wait)


def _phrase(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        target = cut(answer.headers.get("location", "nowhere"), _MOST_WORDS)
        return f"answers {answer.status}, which leads to {target}, where the token must not go: check --forge-url"
    why = _WHY.get(answer.status, "")
    return ": ".join(part for part in (f"answers {answer.status}", why, _said(answer)) if part)


def _said(answer: Answer) -> str:
    """What the forge has to say: its `message`, wherever it puts that."""
    decoded = _decoded(answer)
    found = decoded.get("message") or decoded.get("error") if isinstance(decoded, dict) else ""
    if isinstance(found, dict):
        found = found.get("message", "")
    errors = decoded.get("errors") if isinstance(decoded, dict) else None
    words = [found if isinstance(found, str) else "", *_messages(errors)]
    return cut("; ".join(word for word in words if word), _MOST_WORDS)


def _messages(errors: Any) -> list[str]:
    found = [error.get("message") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return [message for message in found if isinstance(message, str)]


def _decoded(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _asked_wait(answer: Answer, now: float) -> float:
    """Seconds until the forge wants to be asked again; 0 if it didn't say. A date in Retry-After counts as a minute."""
    after = answer.headers.get("retry-after", "")
    if after:
        return min(float(after), LONGEST_WAIT_SECONDS) if re.fullmatch(r"[0-9]{1,9}", after) else 60.0
    if _first(answer.headers, "x-ratelimit-remaining", "ratelimit-remaining") != "0":
        return 0.0
    reset = _first(answer.headers, "x-ratelimit-reset", "ratelimit-reset")
    if not re.fullmatch(r"[0-9]{1,12}", reset):
        return 60.0
    return min(max(float(reset) - now, 1.0), LONGEST_WAIT_SECONDS)


def _first(headers: Mapping[str, str], *names: str) -> str:
    return next((headers[name] for name in names if name in headers), "")
