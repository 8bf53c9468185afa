"""Logging in, being invited and logging out, and the attacks on each."""

import re

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from runner.clock import from_now
from tests.worker.conftest import Service, serving
from worker.access import passwords
from worker.access.identity import Role
from worker.access.keys import digest
from worker.store import accounts, invitations, sessions
from worker.store.tables import accounts as accounts_table
from worker.store.tables import sessions as sessions_table

PASSWORD = "correct horse battery"


@pytest.fixture
def person(service: Service) -> str:
    """The name of somebody with a password."""
    with service.database.write() as connection:
        accounts.add(connection, "grace", role=Role.MEMBER, password=passwords.hashed(PASSWORD))
    return "grace"


def log_in(browser: httpx.Client, name: str = "grace", password: str = PASSWORD, next: str = "/") -> httpx.Response:  # noqa: A002
    return browser.post("/login", data={"name": name, "password": password, "next": next})


def invite(service: Service, name: str | None = None) -> str:
    with service.database.write() as connection:
        if name is None:
            key = invitations.invite_first(connection)
            assert key
            return key
        return invitations.invite(connection, accounts.named(connection, name))


def test_page_sends_who_is_unknown_to_log_in_and_back(service: Service, person: str) -> None:
    service.add_repository()
    with service.visitor() as browser:
        sent = browser.get("/acme/web?before=7")
        assert sent.headers["location"] == "/login?next=/acme/web%3Fbefore%3D7"
        page = browser.get(sent.headers["location"]).text
        [onward] = re.findall(r'name="next" value="([^"]*)"', page)
        assert log_in(browser, next=onward).headers["location"] == "/acme/web?before=7"
        assert browser.get("/acme/web?before=7").is_success


def test_api_answers_who_is_unknown_with_a_problem(service: Service) -> None:
    with service.visitor() as browser:
        answer = browser.get("/api/runs")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_name_is_the_same_however_it_is_written(service: Service, person: str) -> None:
    with service.visitor() as browser:
        assert log_in(browser, name=" Grace ").status_code == 303


@pytest.mark.parametrize(("name", "password"), [("grace", "wrong"), ("nobody", PASSWORD), ("", ""), ("ada", "")])
def test_wrong_name_and_wrong_password_are_answered_alike(
    service: Service, person: str, name: str, password: str
) -> None:
    with service.visitor() as browser:
        answer = log_in(browser, name=name, password=password)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


def test_unknown_name_costs_as_much_work_as_a_known_one(
    service: Service, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: a hash is worked out either way."""
    counting = Counting(passwords._HASHER)
    monkeypatch.setattr(passwords, "_HASHER", counting)
    with service.visitor() as browser:
        log_in(browser, name="nobody")
        log_in(browser, password="wrong password")
    assert counting.verified == 2


class Counting:
    """A hasher that counts how often it had work."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.verified = 0

    def verify(self, kept: str, given: bytes) -> bool:
        self.verified += 1
        return self._hasher.verify(kept, given)


def test_cookie_can_not_be_read_by_scripts_nor_sent_by_other_sites(service: Service, person: str) -> None:
    with service.visitor() as browser:
        cookie = log_in(browser).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "it would never come back over http"


def test_cookie_of_a_server_with_https_crosses_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path_factory.mktemp("https"), url="https://ci.example.org") as service:
        with service.database.write() as connection:
            accounts.add(connection, "grace", role=Role.MEMBER, password=passwords.hashed(PASSWORD))
        with service.visitor() as browser:
            cookie = log_in(browser).headers["set-cookie"]
        assert cookie.startswith("__Host-headrace=")
        assert "Secure" in cookie.split("; ")


def test_session_that_was_planted_is_replaced_when_its_victim_logs_in(service: Service, person: str) -> None:
    """Session fixation: what the browser brought is never taken, neither a made-up one nor somebody else's."""
    for planted in ("x" * 43, service.session("mallory")):
        with service.visitor() as browser:
            browser.cookies.set("headrace", planted)
            key = log_in(browser).cookies["headrace"]
            assert key != planted
        with service.visitor() as attacker:
            attacker.cookies.set("headrace", planted)
            assert attacker.get("/account").status_code == 303


def test_logging_in_again_ends_the_session_that_the_browser_had(service: Service, person: str) -> None:
    with service.visitor() as browser:
        first = log_in(browser).cookies["headrace"]
        assert log_in(browser).cookies["headrace"] != first
    with service.visitor() as old:
        old.cookies.set("headrace", first)
        assert old.get("/").status_code == 303


def test_logging_out_ends_the_session_on_the_server_too(service: Service, person: str) -> None:
    with service.visitor() as browser:
        key = log_in(browser).cookies["headrace"]
        answer = browser.post("/logout")
        assert answer.headers["location"] == "/login"
        assert 'headrace=""' in answer.headers["set-cookie"]
        browser.cookies.set("headrace", key)
        assert browser.get("/").status_code == 303, "a copy of the cookie is worth nothing"


@pytest.mark.parametrize("column", ["seen_at", "created_at"])
def test_session_ends_when_it_is_idle_or_old(service: Service, column: str) -> None:
    with service.browser() as browser:
        assert browser.get("/").is_success
        lasts = {"seen_at": sessions.IDLE, "created_at": sessions.LONGEST}[column]
        with service.database.write() as connection:
            connection.execute(update(sessions_table).values({column: from_now(-lasts)}))
        assert browser.get("/").status_code == 303


def test_use_of_a_session_keeps_it_from_being_idle(service: Service) -> None:
    with service.browser() as browser:
        with service.database.write() as connection:
            connection.execute(update(sessions_table).values(seen_at=from_now(-sessions.IDLE / 2)))
        assert browser.get("/").is_success
    with service.database.read() as connection:
        assert connection.execute(select(sessions_table.c.seen_at)).scalar_one() > from_now(-sessions.IDLE / 100)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.org/",
        "//evil.example.org/",
        "/\\evil.example.org/",
        "/\t/evil.example.org/",
        "\n//evil.example.org",
        "/%0a/\n/evil",
        "javascript:alert(1)",
        "evil.example.org",
        "http:/evil.example.org",
        "/é",
        "",
    ],
)
def test_nobody_is_sent_to_another_site_after_logging_in(service: Service, person: str, target: str) -> None:
    with service.visitor() as browser:
        assert log_in(browser, next=target).headers["location"] == "/"
        assert 'name="next" value="/"' in browser.get("/login", params={"next": target}).text


def test_many_wrong_passwords_from_one_address_are_refused_for_a_while(service: Service, person: str) -> None:
    with service.visitor() as browser:
        for number in range(20):
            assert log_in(browser, name=f"guess{number}").status_code == 401
        answer = log_in(browser)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 600


def test_logging_in_well_is_never_refused(service: Service, person: str) -> None:
    with service.visitor() as browser:
        assert {log_in(browser).status_code for _ in range(25)} == {303}


@pytest.mark.parametrize("path", ["/login", "/setup"])
def test_other_site_can_not_log_somebody_in(service: Service, person: str, path: str) -> None:
    """Login CSRF: the victim would work on in the attacker's account."""
    form = {"name": "grace", "password": PASSWORD, "key": "x"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example.org"}, {"origin": "null"}, {}):
        answer = httpx.post(f"{service.url}{path}", data=form, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


# Invitations


def test_first_account_is_made_once_with_the_link_of_the_last_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("new"), has_account=False) as service, service.visitor() as browser:
        older, key = invite(service), invite(service)
        assert browser.get("/setup", params={"key": older}).status_code == 403
        assert browser.get("/setup", params={"key": key}).is_success
        form = {"key": key, "name": "Ada", "password": PASSWORD}
        assert browser.post("/setup", data=form).headers["location"] == "/"
        assert "ada" in browser.get("/account").text
        assert browser.post("/setup", data={**form, "name": "eve"}).status_code == 403
        with service.database.read() as connection:
            assert [(each.name, each.role) for each in accounts.every(connection)] == [("ada", Role.ADMINISTRATOR)]


def test_link_to_the_first_account_is_worth_nothing_once_there_is_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serving(tmp_path_factory.mktemp("new"), has_account=False) as service, service.visitor() as browser:
        key = invite(service)
        with service.database.write() as connection:
            accounts.add(connection, "ada", role=Role.ADMINISTRATOR)
            assert invitations.invite_first(connection) is None
        assert browser.post("/setup", data={"key": key, "name": "eve", "password": PASSWORD}).status_code == 403


def test_invited_person_chooses_a_password_and_is_let_in(service: Service) -> None:
    with service.database.write() as connection:
        accounts.add(connection, "grace", role=Role.MEMBER)
    key = invite(service, "grace")
    with service.visitor() as browser:
        assert "Welcome, grace" in browser.get("/setup", params={"key": key}).text
        form = {"key": key, "name": "root", "password": PASSWORD}
        assert browser.post("/setup", data=form).status_code == 303
        assert "grace" in browser.get("/account").text
    with service.visitor() as browser:
        assert log_in(browser).status_code == 303


def test_new_password_ends_all_sessions_of_before(service: Service, person: str) -> None:
    with service.visitor() as thief:
        log_in(thief)
        with service.visitor() as browser:
            browser.post("/setup", data={"key": invite(service, "grace"), "password": "another one, longer"})
        assert thief.get("/").status_code == 303


def test_link_that_is_too_old_is_refused(service: Service, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "LASTS", -invitations.LASTS)
    with service.visitor() as browser:
        assert browser.get("/setup", params={"key": invite(service, "grace")}).status_code == 403


def test_password_that_is_too_short_leaves_the_link_good(service: Service, person: str) -> None:
    key = invite(service, "grace")
    with service.visitor() as browser:
        assert browser.post("/setup", data={"key": key, "password": "short"}).status_code == 400
        assert browser.post("/setup", data={"key": key, "password": PASSWORD}).status_code == 303


# What is kept


def test_database_holds_no_key_and_no_password(service: Service, person: str) -> None:
    with service.visitor() as browser:
        key = log_in(browser).cookies["headrace"]
    invitation = invite(service, "grace")
    with service.database.read() as connection:
        kept = repr([connection.execute(select(table)).all() for table in accounts_table.metadata.sorted_tables])
    assert digest(key) in kept
    for secret in (key, invitation, service.token, PASSWORD):
        assert secret not in kept


def test_password_kept_in_an_old_form_is_kept_anew_at_the_next_login(
    service: Service, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "is_outdated", lambda _kept: True)
    with service.database.read() as connection:
        before = accounts.named(connection, "grace").password
    with service.visitor() as browser:
        log_in(browser)
        assert browser.get("/").is_success
    with service.database.read() as connection:
        assert accounts.named(connection, "grace").password != before
