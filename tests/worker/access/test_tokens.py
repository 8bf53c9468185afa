"""Tokens: made once, shown once, and good for no more than they say and no longer."""

import json
import re
from datetime import timedelta
from typing import Protocol

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from runner.clock import from_now
from runner.errors import UsageError
from tests.worker.conftest import Service
from worker.access.identity import Role, Scope
from worker.access.keys import digest
from worker.commands import token as token_command
from worker.commands import user as user_command
from worker.store import accounts, tokens
from worker.store.tables import tokens as table


def status(service: Service, key: str, *, path: str = "/api/runs") -> int:
    with service.visitor() as client:
        return client.get(path, headers={"authorization": f"Bearer {key}"}).status_code


def made_on_the_page(service: Service, name: str = "deploy", **fields: str) -> tuple[str, str]:
    """A new token, and the page that showed it."""
    with service.browser() as browser:
        answer = browser.post("/account/tokens", data={"name": name, "scope": "read", **fields})
        assert answer.headers["cache-control"] == "no-store"
        [key] = re.findall(r"hrt_[A-Za-z0-9_-]{43}", answer.text)
        return key, answer.text


def test_token_of_the_page_lets_in_and_is_shown_once(service: Service) -> None:
    key, _ = made_on_the_page(service)
    assert status(service, key) == 200
    with service.browser() as browser:
        page = browser.get("/account").text
    assert "deploy" in page
    assert key not in page


def test_token_that_is_revoked_lets_in_no_more(service: Service) -> None:
    key, page = made_on_the_page(service)
    [path] = re.findall(r'action="(/account/tokens/\d+/revoke)"', page)
    with service.browser() as browser:
        assert browser.post(path).headers["location"] == "/account"
    assert status(service, key) == 401


def test_nobody_revokes_the_token_of_another(service: Service) -> None:
    key, page = made_on_the_page(service)
    [path] = re.findall(r'action="(/account/tokens/\d+/revoke)"', page)
    with service.browser("mallory", Role.ADMINISTRATOR) as browser:
        assert browser.post(path).status_code == 404
    assert status(service, key) == 200


def test_token_lasts_as_long_as_it_says(service: Service) -> None:
    key, _ = made_on_the_page(service, days="1")
    with service.database.write() as connection:
        ours = table.c.digest == digest(key)
        expires = connection.execute(select(table.c.expires_at).where(ours)).scalar_one()
        assert from_now(timedelta(hours=23)) < expires < from_now(timedelta(hours=25))
        connection.execute(update(table).where(ours).values(expires_at=from_now(timedelta(seconds=-1))))
    assert status(service, key) == 401


def test_use_of_a_token_is_noted(service: Service) -> None:
    key, _ = made_on_the_page(service)
    status(service, key)
    with service.database.read() as connection:
        used = connection.execute(select(table.c.used_at).where(table.c.digest == digest(key))).scalar_one()
    assert used > from_now(timedelta(minutes=-1))


def test_token_goes_with_its_account(service: Service) -> None:
    key, _ = made_on_the_page(service)
    with service.database.write() as connection:
        accounts.remove(connection, "grace")
    assert status(service, key) == 401


def test_token_opens_no_page_that_makes_tokens(service: Service) -> None:
    """One that got lost must not make another that outlives it."""
    answer = service.client.post("/account/tokens", data={"name": "x", "scope": "read"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer  x", "Basic YTpi", "Bearer hrt_", "bearer x y", "Bearer \xff"]
)
def test_header_that_holds_no_token_is_answered_401(service: Service, header: str) -> None:
    with service.browser() as browser:  # with a good cookie, which must not help
        answer = browser.get("/api/runs", headers=[(b"authorization", header.encode("latin-1"))])
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": "admin"}, "reach as far as write"),
        ({"scope": "root"}, "expected read, write, admin"),
        ({"scope": "read", "days": "0"}, "expected 1 to 3650"),
        ({"scope": "read", "days": "-1"}, "expected 1 to 3650"),
        ({"scope": "read", "days": "x" * 100}, "expected 1 to 3650"),
        ({"scope": "read", "name": " "}, "needs a name"),
    ],
)
def test_token_that_can_not_be_made_is_explained(service: Service, fields: dict[str, str], said: str) -> None:
    with service.browser() as browser:
        answer = browser.post("/account/tokens", data={"name": "x", **fields})
    assert answer.status_code == 400
    assert said in answer.text.replace("&#39;", "'")


# By commands


class Headrace(Protocol):
    """A command, as whoever stands at the machine gives it, or an administrator elsewhere; gives what it prints."""

    def __call__(self, *arguments: str, stdin: str = "") -> str: ...


@pytest.fixture(params=["on the machine", "over the network"])
def headrace(service: Service, request: pytest.FixtureRequest) -> Headrace:
    here = ["--data", str(service.settings.data), "--url", service.url]
    place = here if request.param == "on the machine" else ["--server", service.url]
    environment = {"HEADRACE_DATABASE_URL": service.settings.database_url, "HEADRACE_TOKEN": service.token}

    def run(*arguments: str, stdin: str = "") -> str:
        command = {"user": user_command.command, "token": token_command.command}[arguments[0]]
        given = [*arguments[1:], *place]
        done = CliRunner().invoke(
            command, given, env=environment, input=stdin, catch_exceptions=False, standalone_mode=False
        )
        return done.stdout

    return run


def test_robot_gets_its_token_by_a_command(service: Service, headrace: Headrace) -> None:
    headrace("user", "add", "robot", "--robot")
    key = headrace("token", "create", "nightly", "--user", "robot", "--scope", "write").strip()
    assert status(service, key) == 200
    listed = json.loads(headrace("token", "list", "--output", "json"))
    [ours] = [each for each in listed if each["account"] == "robot"]
    assert (ours["name"], ours["scope"]) == ("nightly", "write")
    assert ours["used_at"]
    assert key not in headrace("token", "list")
    headrace("token", "revoke", str(ours["id"]))
    assert status(service, key) == 401


def test_person_gets_a_link_by_a_command(service: Service, headrace: Headrace) -> None:
    link = headrace("user", "add", "Lin", "--role", "administrator").strip()
    assert link.startswith(f"{service.url}/setup?key=")
    with service.visitor() as browser:
        assert "Welcome, lin" in browser.get(link).text
    again = headrace("user", "link", "lin").strip()
    with service.visitor() as browser:
        assert browser.get(link).status_code == 403, "only the newest link is good"
        assert browser.get(again).is_success


def test_password_can_be_given_by_a_script(service: Service, headrace: Headrace) -> None:
    headrace("user", "add", "lin", "--password-stdin", stdin="correct horse battery\n")
    with service.visitor() as browser:
        assert browser.post("/login", data={"name": "lin", "password": "correct horse battery"}).status_code == 303


def test_password_that_is_empty_is_refused_and_makes_no_account(service: Service) -> None:
    refused = service.client.post("/api/accounts", json={"name": "lin", "password": ""})
    assert (refused.status_code, "a password has" in refused.json()["detail"]) == (400, True)
    assert [each["name"] for each in service.client.get("/api/accounts").json()["accounts"]] == ["ada"]


def test_accounts_are_listed_and_removed(headrace: Headrace) -> None:
    headrace("user", "add", "lin", "--robot")
    assert [each["name"] for each in json.loads(headrace("user", "list", "--output", "json"))] == [
        "ada",
        "lin",
    ]
    assert re.search(r"^lin +member ", headrace("user", "list"), re.MULTILINE)
    headrace("user", "remove", "lin")
    assert "lin" not in headrace("user", "list")


def test_only_administrator_can_not_be_removed(headrace: Headrace) -> None:
    with pytest.raises(UsageError, match="only administrator"):
        headrace("user", "remove", "ada")


def test_what_the_commands_can_not_do_is_said(headrace: Headrace) -> None:
    with pytest.raises(UsageError, match="no account 'eve'"):
        headrace("token", "create", "x", "--user", "eve")
    with pytest.raises(UsageError, match="there is an account ada already"):
        headrace("user", "add", "ADA")
    with pytest.raises(UsageError, match="can't be an account's name"):
        headrace("user", "add", "../x")
    with pytest.raises(UsageError, match="10 to 1000 characters"):
        headrace("user", "add", "lin", "--password-stdin", stdin="short\n")
    with pytest.raises(UsageError, match="say whose link"):
        headrace("user", "link")
    with pytest.raises(UsageError, match="no token 999"):
        headrace("token", "revoke", "999")


def test_two_tokens_of_an_account_have_two_names(headrace: Headrace) -> None:
    headrace("token", "create", "x", "--user", "ada")
    with pytest.raises(UsageError, match="has a token 'x' already"):
        headrace("token", "create", "x", "--user", "ada")


def test_scope_of_a_token_shrinks_with_its_account(service: Service) -> None:
    key = service.token_of_fallen_administrator()
    with service.database.read() as connection:
        found = tokens.find(connection, key)
    assert found
    assert found.identity.scope is Scope.WRITE


# Over the API


def test_token_makes_none_that_outlives_it(service: Service) -> None:
    with service.database.write() as connection:
        ada = accounts.named(connection, "ada")
        key = tokens.create(connection, ada, "short", scope=Scope.ADMIN, lasts=timedelta(days=2))
    bearer = {"authorization": f"Bearer {key}"}
    wanted = {"name": "longer", "account": "ada", "scope": "read"}
    refused = service.client.post("/api/tokens", json={**wanted, "days": 3}, headers=bearer)
    assert (refused.status_code, "can't make one that outlives it" in refused.json()["detail"]) == (403, True)
    made = service.client.post("/api/tokens", json={**wanted, "days": 1}, headers=bearer)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert status(service, made.json()["token"]) == 200
    as_long_as_it_can = service.client.post("/api/tokens", json={**wanted, "name": "as long"}, headers=bearer)
    assert as_long_as_it_can.status_code == 201
    ends = {each["name"]: each["expires_at"] for each in service.client.get("/api/tokens").json()["tokens"]}
    assert ends["as long"] <= ends["short"]
