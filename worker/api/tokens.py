"""Tokens over the API: made, listed and revoked, of all accounts.

SECURITY. A token that got lost must not make another that outlives it, so one that is asked for with a token ends no
later than that. It can't reach farther either: this takes the scope `admin`.
"""

from datetime import timedelta

from fastapi import Response

from runner.clock import from_now
from worker.access.guard import Caller
from worker.api import models
from worker.api.numbers import Number
from worker.context import Serving
from worker.errors import Forbidden
from worker.store import accounts, tokens
from worker.store.tokens import Token


def list_tokens(context: Serving) -> models.Tokens:
    """All tokens: whose, what for, when last used. Never the tokens themselves."""
    with context.database.read() as connection:
        stored = tokens.every(connection)
    return models.Tokens(tokens=[_described(token) for token in stored])


def add_token(wanted: models.NewToken, caller: Caller, context: Serving, response: Response) -> models.AddedToken:
    """A new token of an account, which nobody is shown again."""
    lasts = timedelta(days=wanted.days)
    if caller.expires_at and from_now(lasts) > caller.expires_at:
        raise Forbidden(
            f"a token can't make one that outlives it: this one ends at {caller.expires_at}; ask for fewer days"
        )
    with context.database.write() as connection:
        account = accounts.named(connection, wanted.account)
        key = tokens.create(connection, account, wanted.name, scope=wanted.scope, lasts=lasts)
    response.headers["cache-control"] = "no-store"
    return models.AddedToken(token=key)


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
