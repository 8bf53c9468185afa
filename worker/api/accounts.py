"""Accounts over the API: who may use the server, and the links by which they choose their passwords."""

from typing import Annotated

from fastapi import Path, Response
from sqlalchemy import Connection

from worker.access import passwords
from worker.access.keys import setup_url
from worker.api import models
from worker.api.paging import Paged
from worker.context import Context, Serving
from worker.errors import Conflict, Malformed
from worker.store import accounts, invitations
from worker.store.accounts import Account

Name = Annotated[str, Path(max_length=64)]


def list_accounts(context: Serving, paging: Paged) -> models.Accounts:
    """The accounts, by name."""
    with context.database.read() as connection:
        found, after = paging.page(accounts.every(connection), lambda each: (each.name,))
    return models.Accounts(accounts=[_described(each) for each in found], after=after)


def add_account(wanted: models.NewAccount, context: Serving) -> models.AddedAccount:
    """Let somebody in from now on, or a robot; gives the link by which they choose a password, if they are to."""
    password = wanted.password.get_secret_value() if wanted.password is not None else None
    if wanted.robot and password is not None:
        raise Malformed("a robot has no password: it has tokens")
    kept = passwords.hashed(password) if password is not None else None
    with context.database.write() as connection:
        account = accounts.add(connection, wanted.name, role=wanted.role, password=kept)
        link = "" if wanted.robot or kept else _link(connection, context, account)
    return models.AddedAccount(**_described(account).model_dump(), link=link)


def make_link(account: Name, _: models.Decision, context: Serving) -> models.Link:
    """A link by which an account's owner chooses a new password; one that was given before is worth nothing now."""
    with context.database.write() as connection:
        return models.Link(link=_link(connection, context, accounts.named(connection, account)))


def make_first_link(_: models.Decision, context: Serving) -> models.Link:
    """A link that makes the first account. Nobody can ask for it over the network: without an account nobody may."""
    with context.database.write() as connection:
        key = invitations.invite_first(connection)
    if key is None:
        raise Conflict("there are accounts: say whose link it is to be; see `headrace user list`")
    return models.Link(link=setup_url(context.settings.url, key))


def remove_account(account: Name, context: Serving) -> Response:
    """Remove an account with its sessions and tokens."""
    with context.database.write() as connection:
        accounts.remove(connection, account)
    return Response(status_code=204)


def _link(connection: Connection, context: Context, account: Account) -> str:
    return setup_url(context.settings.url, invitations.invite(connection, account))


def _described(account: Account) -> models.Account:
    return models.Account(name=account.name, role=account.role, created_at=account.created_at)
