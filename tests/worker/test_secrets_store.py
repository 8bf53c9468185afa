"""Secrets in the database: sealed, by scope, and open only to whoever has the key."""

import pytest
from sqlalchemy import select, update

from pipelines.event import EventKind, Repository
from worker.errors import NotFound, Unsealable
from worker.secrets.scope import Scope
from worker.secrets.sealing import Keyring
from worker.secrets.secret import Kind, Secret
from worker.store import repositories, secrets
from worker.store.database import Database
from worker.store.tables import secrets as table

KEYRING = Keyring.fresh()
WEB = Scope.of(repository="acme/web")
ACME = Scope.of(owner="acme")
ALL = Scope.of()


@pytest.fixture
def database(database: Database) -> Database:
    """One with a repository in it."""
    with database.write() as connection:
        repositories.add(connection, Repository(owner="acme", name="web", clone_url="/srv/web.git"), forge="git")
    return database


def put(database: Database, scope: Scope, value: str, name: str = "token", kind: Kind = Kind.SECRET) -> Secret:
    with database.write() as connection:
        return secrets.put(connection, KEYRING, Secret(scope=scope, name=name, kind=kind), value)


def seen(database: Database, repository: str) -> dict[str, str]:
    with database.read() as connection:
        found = secrets.nearest(connection, repository)
        return {name: secrets.value_of(connection, KEYRING, secret) for name, secret in found.items()}


def test_repository_goes_before_owner_and_owner_before_everybody(database: Database) -> None:
    for scope in (ALL, ACME, WEB):
        put(database, scope, f"of {scope}")
        put(database, scope, "x", f"only-{scope.level}")
    assert seen(database, "acme/web")["token"] == "of repository:acme/web"
    assert seen(database, "acme/api")["token"] == "of owner:acme"
    assert seen(database, "other/web")["token"] == "of global"
    assert set(seen(database, "acme/web")) == {"token", "only-repository", "only-owner", "only-global"}
    assert set(seen(database, "other/web")) == {"token", "only-global"}


def test_second_value_takes_the_place_of_the_first(database: Database) -> None:
    first = put(database, WEB, "one")
    second = put(database, WEB, "two")
    assert seen(database, "acme/web") == {"token": "two"}
    assert second.created_at == first.created_at


def test_kinds_keep_apart(database: Database) -> None:
    put(database, WEB, "a login", kind=Kind.REGISTRY)
    assert seen(database, "acme/web") == {}


def test_limits_come_back_as_they_were_stored(database: Database) -> None:
    secret = Secret(scope=ALL, name="token", events=(EventKind.TAG,), images=("acme/deploy",))
    with database.write() as connection:
        stored = secrets.put(connection, KEYRING, secret, "x")
    assert (stored.events, stored.images) == ((EventKind.TAG,), ("acme/deploy",))


def test_value_is_nowhere_in_the_database(database: Database) -> None:
    put(database, WEB, "s3cr3t-canary")
    with database.read() as connection:
        assert "s3cr3t-canary" not in str(connection.execute(select(table)).all())


def test_value_that_is_copied_to_another_row_does_not_open(database: Database) -> None:
    put(database, WEB, "s3cr3t")
    put(database, ALL, "harmless")
    with database.write() as connection:
        stolen = connection.execute(select(table.c.value_sealed).where(table.c.scope == str(WEB))).scalar_one()
        connection.execute(update(table).where(table.c.scope == str(ALL)).values(value_sealed=stolen))
    with pytest.raises(Unsealable, match="belongs elsewhere"):
        seen(database, "other/web")


def test_secret_of_a_repository_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(NotFound, match="no repository acme/nope"):
        put(database, Scope.of(repository="acme/nope"), "x")


def test_secrets_of_a_repository_go_with_it(database: Database) -> None:
    """Whoever adds one of the same name later must not get them."""
    put(database, WEB, "x")
    put(database, ACME, "y")
    with database.write() as connection:
        repositories.remove(connection, "acme", "web")
        assert [str(secret.scope) for secret in secrets.every(connection)] == ["owner:acme"]


def test_removed_secret_is_gone(database: Database) -> None:
    put(database, WEB, "x")
    with database.write() as connection:
        secrets.remove(connection, WEB, "token")
    assert seen(database, "acme/web") == {}
    with pytest.raises(NotFound, match="there is no secret token for acme/web"), database.write() as connection:
        secrets.remove(connection, WEB, "token")
