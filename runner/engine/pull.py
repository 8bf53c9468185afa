"""Pull: one image, from the first question to its last layer, with what went wrong on the way tried again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.pulls import PullProgress
from runner.engine.client import Engine, EngineRefusal, EngineSilence
from runner.engine.credentials import Credentials, CredentialsError, Login, registry_of
from runner.engine.progress import Progress
from runner.engine.verdict import Verdict, judge
from runner.errors import ImageError
from runner.stop import Stop

Say = Callable[[str], None]
"""Takes one line for the log of whoever waits for the image."""

Show = Callable[[PullProgress], None]
"""Takes how far a pull has come, when it begins and then as often as its log is told."""

_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a pull is waited for.

    `pauses_seconds` are what lies between one try and the next, so there is one try more than there are pauses;
    `silence_seconds` is how long an engine may say nothing, which it does while others' layers have their turn;
    `telling_seconds` is the time between two lines about the progress.
    """

    pauses_seconds: tuple[float, ...] = (1, 3, 6, 15)
    silence_seconds: float = 300
    telling_seconds: float = 1


def pull(
    engine: Engine,
    name: str,
    credentials: Credentials,
    say: Say,
    show: Show,
    stop: Stop,
    *,
    why: str,
    patience: Patience,
) -> None:
    """Pull an image; ends early if `stop` is requested. Raises ImageError in one line, with `why` it was pulled."""
    registry = registry_of(name)
    show(PullProgress())
    say(f"pulling {name}")
    login = _login(credentials, registry, say)
    for pause in (*patience.pauses_seconds, None):
        failed = _try(engine, name, login, say, show, stop, patience)
        if failed is None or stop.requested:
            return
        verdict = judge(*failed, registry, had_login=login is not None)
        if verdict.is_final or pause is None:
            raise ImageError(f"image {name}: {why}, and {verdict.words}")
        _wait(verdict, pause, say, stop)


def _login(credentials: Credentials, registry: str, say: Say) -> Login | None:
    """The login for the registry. One that can't be had is told of; the image may be there for all."""
    try:
        return credentials.login(registry)
    except CredentialsError as error:
        say(f"pulling without a login: {error}")
        return None


def _try(
    engine: Engine, name: str, login: Login | None, say: Say, show: Show, stop: Stop, patience: Patience
) -> tuple[str, int] | None:
    """Pull once. Gives the engine's words and status if it failed."""
    progress, told = Progress(), time.monotonic()
    shown = login.for_engine() if login else {}
    try:
        for message in engine.pull(name, login=shown, silence_seconds=patience.silence_seconds, stop=stop):
            if error := message.get("error"):
                return " ".join(str(error).split()), 0
            progress.take(message)
            if time.monotonic() - told >= patience.telling_seconds:
                told = time.monotonic()
                show(progress.standing)
                say(f"{name}: {progress.standing}")
    except EngineRefusal as refusal:
        return refusal.answer, refusal.status
    except EngineSilence as silence:
        raise ImageError(f"image {name}: the pull has come to a standstill: {silence}") from silence
    return None


def _wait(verdict: Verdict, pause: float, say: Say, stop: Stop) -> None:
    """Wait before the next try: what the registry asks for, else the pause, never the same for all who wait."""
    wanted = verdict.retry_after_seconds
    seconds = min(max(pause, wanted or 0), _LONGEST_PAUSE_SECONDS) * random.uniform(1, 1.2)  # noqa: S311 - no secret
    say(f"{verdict.words}; trying again in {seconds:.0f} s")
    stop.wait(seconds)
