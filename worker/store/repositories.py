"""Repositories: which ones the service builds, and the secret that each one's deliveries are signed with."""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.event import Repository
from runner.clock import now
from worker.badges.audience import Audience
from worker.errors import Conflict, NotFound
from worker.statuses.commitstatus import Told
from worker.store.tables import repositories, runs
from worker.superseding import Supersede
from worker.trust import NO_TRUST, Approval

_NOTHING = "none"
_SCP_LIKE = re.compile(r"[A-Za-z0-9_.-]+@([A-Za-z0-9_.-]+):[^:].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRepository:
    """A repository that the service builds. `forge` says whose deliveries its hook takes.

    `trust` is what an administrator trusts it with, `approval` which of its runs wait for a person. `told` says what of
    its runs its forge is told, `status_trouble` why the forge has not taken the last of that, `badge` who may see that.
    `supersede` says which runs end when a newer one takes their place. The higher the `priority`, the earlier the turn
    of its tasks; `max_runs` may go on at once, any number if it is None.
    """

    id: int
    owner: str
    name: str
    forge: str
    clone_url: str
    url: str
    default_branch: str
    secret: str = field(repr=False)
    last_number: int
    created_at: str
    trust: frozenset[str] = NO_TRUST
    approval: Approval = Approval.FORKS
    supersede: Supersede = Supersede.BRANCHES
    priority: int = 0
    max_runs: int | None = None
    forge_url: str = ""
    told: Told = Told.BOTH
    badge: Audience = Audience.AUTO
    status_trouble: str = ""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def forge_address(self) -> str:
        """Where its forge is, without a final slash: what was set, else what its page or clone URL says; or `""`."""
        return self.forge_url or address_of_forge(self.url or self.clone_url, self.full_name)


def add(connection: Connection, repository: Repository, *, forge: str) -> StoredRepository:
    """Store a new repository with a new secret. Raises Conflict if its name is taken."""
    values = {
        "owner": repository.owner,
        "name": repository.name,
        "forge": forge,
        "clone_url": repository.clone_url,
        "url": repository.url,
        "default_branch": repository.default_branch,
        "secret": secrets.token_urlsafe(32),
        "last_number": 0,
        "created_at": now(),
    }
    try:
        connection.execute(insert(repositories).values(values))
    except IntegrityError as error:
        raise Conflict(f"there is a repository {repository.full_name} already") from error
    return named(connection, repository.owner, repository.name)


def remove(connection: Connection, owner: str, name: str) -> StoredRepository:
    """Forget a repository with all its runs; gives what it was. Raises NotFound."""
    repository = named(connection, owner, name)
    connection.execute(delete(repositories).where(repositories.c.id == repository.id))
    return repository


def run_ids(connection: Connection, repository_id: int) -> list[str]:
    """The ids of all runs of a repository."""
    return list(connection.scalars(select(runs.c.id).where(runs.c.repository_id == repository_id)))


def every(connection: Connection) -> list[StoredRepository]:
    """All repositories, by name."""
    rows = connection.execute(select(repositories).order_by(repositories.c.owner, repositories.c.name))
    return [_stored(row) for row in rows]


def named(connection: Connection, owner: str, name: str) -> StoredRepository:
    """The repository `owner/name`. Raises NotFound."""
    query = select(repositories).where(repositories.c.owner == owner, repositories.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no repository {owner}/{name}; see `headrace repo list`")
    return _stored(row)


def with_id(connection: Connection, repository_id: int) -> StoredRepository:
    """The repository with this id, which must exist."""
    return _stored(connection.execute(select(repositories).where(repositories.c.id == repository_id)).one())


def set_trust(connection: Connection, owner: str, name: str, trust: frozenset[str]) -> StoredRepository:
    """Trust a repository with this and nothing else. Raises NotFound."""
    return _change(connection, owner, name, trust=",".join(sorted(trust)) or _NOTHING)


def set_approval(connection: Connection, owner: str, name: str, approval: Approval) -> StoredRepository:
    """Say which of a repository's runs wait for a person, from now on. Raises NotFound."""
    return _change(connection, owner, name, approval=approval.value)


def set_supersede(connection: Connection, owner: str, name: str, policy: Supersede) -> StoredRepository:
    """Say which runs newer ones end, from now on. Raises NotFound."""
    return _change(connection, owner, name, supersede=policy.value)


def set_priority(connection: Connection, owner: str, name: str, priority: int) -> StoredRepository:
    """Say how early the turn of a repository's tasks comes, also of those that wait already. Raises NotFound."""
    return _change(connection, owner, name, priority=priority)


def set_max_runs(connection: Connection, owner: str, name: str, max_runs: int | None) -> StoredRepository:
    """Say how many runs of a repository may go on at once. Raises NotFound."""
    return _change(connection, owner, name, max_runs=max_runs)


def set_forge(
    connection: Connection, owner: str, name: str, *, url: str | None, told: Told | None, badge: Audience | None
) -> StoredRepository:
    """Say where a repository's forge is, what that is told, who may see its badge; None: as before. Raises NotFound."""
    given = {"forge_url": url, "told": told and told.value, "badge": badge and badge.value}
    values = {column: value for column, value in given.items() if value is not None}
    return _change(connection, owner, name, **values) if values else named(connection, owner, name)


def note_status_trouble(connection: Connection, repository_id: int, trouble: str) -> str:
    """Keep why the forge has not taken the last status, `""` if it has; gives what was there before."""
    ours = repositories.c.id == repository_id
    before = str(connection.execute(select(repositories.c.status_trouble).where(ours)).scalar_one_or_none() or "")
    if before != trouble:
        connection.execute(update(repositories).where(ours).values(status_trouble=trouble))
    return before


def address_of_forge(url: str, full_name: str) -> str:
    """The address of the forge where this is the page, or the clone URL, of `owner/name`; `""` if there is none."""
    scp_like = _SCP_LIKE.fullmatch(url)
    if scp_like:
        return f"https://{scp_like[1]}"
    parts = urlsplit(url)
    if parts.scheme == "ssh" and parts.hostname:
        return f"https://{parts.hostname}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    page = parts.path.removesuffix("/").removesuffix(".git")
    below = page.removesuffix(f"/{full_name}") if page.endswith(f"/{full_name}") else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{below}"


def trust_in(text: str) -> frozenset[str]:
    """What the column says that a repository is trusted with."""
    return frozenset(text.split(",")) - {_NOTHING}


def _change(connection: Connection, owner: str, name: str, **values: str | int | None) -> StoredRepository:
    repository = named(connection, owner, name)
    connection.execute(update(repositories).where(repositories.c.id == repository.id).values(values))
    return with_id(connection, repository.id)


def _stored(row: Row[Any]) -> StoredRepository:
    columns = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
    columns["trust"] = trust_in(columns["trust"])
    columns["approval"] = Approval(columns["approval"])
    columns["supersede"] = Supersede(columns["supersede"])
    columns["forge_url"] = columns["forge_url"] or ""
    columns["status_trouble"] = columns["status_trouble"] or ""
    columns["told"] = Told(columns["told"])
    columns["badge"] = Audience(columns["badge"])
    return StoredRepository(**columns)
