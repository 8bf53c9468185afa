"""The outbox: what forges are to be told. A letter is the newest status of one commit under one name.

DESIGN. A letter is written in the transaction that makes its status true, so none is lost and none is made up. There is
one a name, and a newer status takes the place of one that has not been sent. What a run has ended as stays, until a
later run of the same commit says something under that name. Who sends a letter notes what became of it by the version
that it sent: if there is a newer one by then, that still waits.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from pipelines.status import Status
from runner.clock import from_now, now
from worker.store.tables import outbox

LONGEST_DELAY = timedelta(hours=1)


class LetterState(StrEnum):
    """Whether the forge has it."""

    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What is to be said of a commit under a name, of a run with this number or one of its jobs."""

    repository_id: int
    run_id: str
    number: int
    sha: str
    context: str
    ref: str
    status: Status
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A saying in the outbox. `attempts` of sending it have failed."""

    id: int
    said: Saying
    version: int
    attempts: int
    changed_at: str


def put(connection: Connection, said: Saying) -> None:
    """Have this said, unless something that counts more has been said under that name."""
    row = connection.execute(select(outbox).where(_same_name(said))).one_or_none()
    values = {"run_id": said.run_id, "number": said.number, "ref": said.ref, "description": said.description}
    values |= {"status": said.status.value, "state": LetterState.WAITING.value, "changed_at": now()}
    if row is None:
        place = {"repository_id": said.repository_id, "sha": said.sha, "context": said.context}
        connection.execute(insert(outbox).values(**place, **values, version=1, attempts=0, next_at=now()))
    elif _counts_more(said, row):
        # A forge that is being left alone after failures is so for this one, too.
        is_delayed = row.state == LetterState.WAITING and row.attempts
        pace = {} if is_delayed else {"attempts": 0, "next_at": now()}
        changed = update(outbox).where(outbox.c.id == row.id)
        connection.execute(changed.values(**values, version=row.version + 1, **pace))


def repositories_with_letters(connection: Connection) -> list[int]:
    """The ids of the repositories of which something is to be sent now."""
    return list(connection.execute(select(outbox.c.repository_id).where(_is_due()).distinct()).scalars())


def letters_of(connection: Connection, repository_id: int, *, limit: int) -> list[int]:
    """The ids of a repository's letters that are to be sent now, the oldest first."""
    query = select(outbox.c.id).where(_is_due(), outbox.c.repository_id == repository_id)
    return list(connection.execute(query.order_by(outbox.c.changed_at, outbox.c.id).limit(limit)).scalars())


def waiting(connection: Connection, letter_id: int) -> Letter | None:
    """The letter as it is now; None if it need not be sent any more, or not yet."""
    row = connection.execute(select(outbox).where(outbox.c.id == letter_id, _is_due())).one_or_none()
    return _letter(row) if row else None


def note_end(connection: Connection, letter: Letter, state: LetterState) -> None:
    """This version of the letter is not to be sent any more; a newer one starts afresh."""
    connection.execute(update(outbox).where(outbox.c.id == letter.id).values(attempts=0))
    same = (outbox.c.id == letter.id) & (outbox.c.version == letter.version)
    connection.execute(update(outbox).where(same).values(state=state.value))


def note_delay(connection: Connection, letter: Letter, delay: timedelta) -> None:
    """The letter, or what takes its place meanwhile, is to be sent (again) after this time."""
    wait = from_now(min(delay, LONGEST_DELAY))
    ours = update(outbox).where(outbox.c.id == letter.id)
    connection.execute(ours.values(attempts=letter.attempts + 1, next_at=wait))


def try_again(connection: Connection, repository_id: int, *, since: timedelta = timedelta(days=1)) -> int:
    """Send what the forge has not taken since so long ago once more, at once; gives how many letters those are."""
    untaken = outbox.c.state.in_([LetterState.WAITING.value, LetterState.REFUSED.value])
    theirs = (outbox.c.repository_id == repository_id) & untaken & (outbox.c.changed_at >= from_now(-since))
    again = {"state": LetterState.WAITING.value, "attempts": 0, "next_at": now()}
    return connection.execute(update(outbox).where(theirs).values(again)).rowcount


def _same_name(said: Saying) -> ColumnElement[bool]:
    return (
        (outbox.c.repository_id == said.repository_id) & (outbox.c.sha == said.sha) & (outbox.c.context == said.context)
    )


def _counts_more(said: Saying, row: Row[Any]) -> bool:
    if said.number != row.number:
        return said.number > int(row.number)
    is_news = (said.status, said.description) != (row.status, row.description)
    return is_news and not Status(row.status).is_terminal


def _is_due() -> ColumnElement[bool]:
    """Its time has come; one that is too far off is of a clock that was set back since."""
    its_time = or_(outbox.c.next_at <= now(), outbox.c.next_at > from_now(LONGEST_DELAY + timedelta(minutes=1)))
    return (outbox.c.state == LetterState.WAITING.value) & its_time


def _letter(row: Row[Any]) -> Letter:
    said = Saying(
        repository_id=row.repository_id,
        run_id=row.run_id,
        number=row.number,
        sha=row.sha,
        context=row.context,
        ref=row.ref,
        status=Status(row.status),
        description=row.description,
    )
    return Letter(id=row.id, said=said, version=row.version, attempts=row.attempts, changed_at=row.changed_at)
