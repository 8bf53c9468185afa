"""Delivery: one repository's letters are sent one after another, and what becomes of each is noted."""

import time
from datetime import UTC, datetime, timedelta

import structlog

from worker.context import run_path
from worker.secrets.sealing import Keyring
from worker.statuses.client import ForgeClient, Unreachable
from worker.statuses.commitstatus import CommitStatus
from worker.statuses.destination import Destination, NoDestination, destination_of
from worker.statuses.pace import Holds, Pace
from worker.statuses.verdict import Outcome, Verdict, judged
from worker.store import outbox, repositories
from worker.store.database import Database
from worker.store.outbox import Letter, LetterState
from worker.store.repositories import StoredRepository

_MOST_AT_ONCE = 50
_PASSING_FAILURES = 2

log = structlog.get_logger()


class Delivery:
    """Sends letters. `deliver` may be under way for several repositories at a time, once for each."""

    def __init__(
        self, database: Database, keyring: Keyring, client: ForgeClient, *, server_url: str, pace: Pace
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._client = client
        self._server_url = server_url
        self._pace = pace
        self._holds = Holds(pace)

    async def deliver(self, repository_id: int) -> None:
        """Send what there is to be sent, until the forge is to be left alone. Raises Unavailable."""
        with self._database.read() as connection:
            repository = repositories.with_id(connection, repository_id)
            letters = outbox.letters_of(connection, repository_id, limit=_MOST_AT_ONCE)
        for letter_id in letters:
            if not await self._deliver_letter(repository, letter_id):
                return

    async def _deliver_letter(self, repository: StoredRepository, letter_id: int) -> bool:
        """Send a letter as it is by now; False if the forge is to be left alone."""
        with self._database.read() as connection:
            letter = outbox.waiting(connection, letter_id)
            if letter is None:
                return True
            try:
                destination = destination_of(connection, self._keyring, repository)
            except NoDestination as error:
                verdict = Verdict(outcome=Outcome.REFUSED, phrase=str(error))
                destination = None
        if destination is not None:
            if self._holds.is_held(destination.account):
                return False
            verdict = await self._told(destination, letter)
        return self._noted(repository, destination, letter, verdict)

    async def _told(self, destination: Destination, letter: Letter) -> Verdict:
        said = CommitStatus(
            sha=letter.said.sha,
            context=letter.said.context,
            ref=letter.said.ref,
            status=letter.said.status,
            description=letter.said.description,
            url=self._server_url + run_path(destination.place.repository, letter.said.number),
        )
        try:
            answer = await self._client.send(destination.dialect.call(destination.place, said))
        except Unreachable as error:
            return Verdict(outcome=Outcome.LATER, phrase=str(error))
        return judged(destination.dialect, answer, now=time.time())

    def _noted(
        self, repository: StoredRepository, destination: Destination | None, letter: Letter, verdict: Verdict
    ) -> bool:
        """Keep what became of a letter; False if the forge is to be left alone."""
        asked = timedelta(seconds=verdict.wait_seconds)
        account = destination.account if destination else ""
        is_passing = False
        with self._database.write() as connection:
            match verdict.outcome:
                case Outcome.TAKEN:
                    self._holds.note_success(account, asked)
                    outbox.note_end(connection, letter, LetterState.TAKEN)
                case Outcome.REFUSED:
                    outbox.note_end(connection, letter, LetterState.REFUSED)
                case Outcome.LATER if self._is_too_old(letter):
                    outbox.note_end(connection, letter, LetterState.GIVEN_UP)
                case Outcome.LATER:
                    wait = max(self._holds.note_failure(account, asked), self._pace.delay(letter.attempts + 1))
                    outbox.note_delay(connection, letter, wait)
                    is_passing = letter.attempts < _PASSING_FAILURES
            trouble = repository.status_trouble if is_passing else _trouble(repository, destination, verdict)
            before = repositories.note_status_trouble(connection, repository.id, trouble)
        _log(repository, before, trouble)
        return verdict.outcome is not Outcome.LATER and not asked

    def _is_too_old(self, letter: Letter) -> bool:
        return datetime.now(UTC) - datetime.fromisoformat(letter.changed_at) > self._pace.give_up


def _trouble(repository: StoredRepository, destination: Destination | None, verdict: Verdict) -> str:
    """What is wrong, for people; `""` if nothing is. A forge that says the token back is not to show it here."""
    if verdict.outcome is Outcome.TAKEN or not verdict.phrase:
        return ""
    phrase = verdict.phrase.replace(destination.place.token, "…") if destination else verdict.phrase
    return f"{repository.forge} {phrase}"


def _log(repository: StoredRepository, before: str, trouble: str) -> None:
    """Say it when it begins, becomes another (by what stands before the colon), or ends."""
    if before.partition(":")[0] == trouble.partition(":")[0]:
        return
    if trouble:
        log.warning("the forge does not take statuses", repository=repository.full_name, error=trouble)
    else:
        log.info("the forge takes statuses again", repository=repository.full_name)
