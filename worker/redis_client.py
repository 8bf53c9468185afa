"""How the server and its workers reach Redis: with time-outs, so that one that hangs is an error and not for ever."""

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from worker.exchange import Exchange
from worker.settings import Settings


def redis_client(settings: Settings) -> Redis:
    """A client of the Redis in which server and workers meet."""
    return Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=5)


def exchange_of(settings: Settings) -> Exchange:
    """One end of the exchange, with a client of its own."""
    return Exchange(redis_client(settings), lease_seconds=settings.lease_seconds)


def answers(url: str) -> bool:
    """True if a Redis answers there, and is ready."""
    client = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def trouble_of(error: RedisError) -> str:
    """What is wrong, for whoever set Redis up: one that wants a password speaks of `HELLO`."""
    if isinstance(error, AuthenticationError):
        return "it wants another user or password: HEADRACE_REDIS_URL holds them, as in redis://USER:PASSWORD@HOST:PORT"
    return str(error)
