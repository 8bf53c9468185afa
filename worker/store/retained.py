"""What is to be kept and what is not any more, in the database: policies of repositories, and removals."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from runner.clock import now
from worker.errors import Gone
from worker.retention.policy import Policy
from worker.storage import Files
from worker.store.tables import removals, retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """That a run's logs or artifacts are gone."""

    files: Files
    removed_at: str
    reason: str

    def __str__(self) -> str:
        """One line for people."""
        return f"the {self.files} of this run were removed on {self.removed_at[:10]} by retention: {self.reason}"


def policy_of(connection: Connection, repository_id: int) -> Policy:
    """What a repository says about itself."""
    row = connection.execute(select(retention).where(retention.c.repository_id == repository_id)).one_or_none()
    if row is None:
        return Policy()
    columns: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
    del columns["repository_id"]
    return Policy(**columns)


def set_policy(connection: Connection, repository_id: int, policy: Policy) -> None:
    """Have a repository say this from now on, and nothing else."""
    connection.execute(delete(retention).where(retention.c.repository_id == repository_id))
    connection.execute(insert(retention).values(repository_id=repository_id, **asdict(policy)))


def removals_of(connection: Connection, run_id: str) -> dict[Files, Removal]:
    """What is gone of a run."""
    query = select(removals.c.kind, removals.c.removed_at, removals.c.reason).where(removals.c.run_id == run_id)
    found = [
        Removal(files=Files(kind), removed_at=removed_at, reason=reason)
        for kind, removed_at, reason in connection.execute(query)
    ]
    return {removal.files: removal for removal in found}


def check_there(connection: Connection, run_id: str, files: Files) -> None:
    """Raises Gone, with the date and the reason, if these were removed."""
    removal = removals_of(connection, run_id).get(files)
    if removal:
        raise Gone(str(removal))


def note_removals(connection: Connection, files: Files, reasons: dict[str, str]) -> None:
    """These files of the runs with these ids are gone from now on, each for its reason."""
    time = now()
    rows = [
        {"run_id": run_id, "kind": files.value, "removed_at": time, "reason": reason}
        for run_id, reason in reasons.items()
    ]
    if rows:
        connection.execute(insert(removals), rows)
