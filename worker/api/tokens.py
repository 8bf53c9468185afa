"""Tokens over the API: made, listed and revoked, of all accounts.

SECURITY. A token that got lost must not make another that outlives it, so one that is asked for with a token ends no
later than that. It can't reach farther either: this takes the scope `admin`.
"""

from datetime import datetime, timedelta

from fastapi import Response

from runner.clock import from_now, now
from worker.access.guard import Caller
from worker.api import models
from worker.api.numbers import Number
from worker.api.paging import Paged
from worker.context import Serving
from worker.errors import Forbidden
from worker.store import accounts, tokens
from worker.store.tokens import Token

_USUAL_DAYS = 90
_TO_STORE_IT = timedelta(seconds=10)


def list_tokens(context: Serving, paging: Paged) -> models.Tokens:
    """The tokens of all accounts: whose, what for, when last used. Never the tokens themselves."""
    with context.database.read() as connection:
        found, after = paging.page(tokens.every(connection), lambda each: (each.account, each.name))
    return models.Tokens(tokens=[_described(each) for each in found], after=after)


def add_token(wanted: models.NewToken, caller: Caller, context: Serving, response: Response) -> models.AddedToken:
    """A new token of an account, which nobody is shown again."""
    lasts = _lasts(wanted.days, caller.expires_at)
    with context.database.write() as connection:
        account = accounts.named(connection, wanted.account)
        key = tokens.create(connection, account, wanted.name, scope=wanted.scope, lasts=lasts)
    response.headers["cache-control"] = "no-store"
    return models.AddedToken(token=key)


def _lasts(days: int | None, end: str | None) -> timedelta:
    """How long a token is good for that one which ends then asks for."""
    asked = timedelta(days=days or _USUAL_DAYS)
    if end is None or from_now(asked) <= end:
        return asked
    if days is not None:
        raise Forbidden(f"a token can't make one that outlives it: this one ends at {end}; ask for fewer days")
    return datetime.fromisoformat(end) - datetime.fromisoformat(now()) - _TO_STORE_IT


def revoke_token(number: Number, context: Serving) -> Response:
    """Let a token in no more."""
    with context.database.write() as connection:
        tokens.revoke(connection, number)
    return Response(status_code=204)


def _described(token: Token) -> models.Token:
    return models.Token(
        id=token.id,
        account=token.account,
        name=token.name,
        scope=token.scope,
        created_at=token.created_at,
        expires_at=token.expires_at,
        used_at=token.used_at,
    )
