"""How the service speaks of a Redis that doesn't let it in."""

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.private_redis import PrivateRedis
from worker.redis_client import trouble_of

pytestmark = pytest.mark.redis


@pytest.mark.parametrize("login", ["", ":wrong@"])
def test_redis_that_wants_a_password_is_told_of_with_where_it_is_given(redis: PrivateRedis, login: str) -> None:
    redis.client().config_set("requirepass", "right")
    with pytest.raises(RedisError) as refused:
        Redis.from_url(redis.url.replace("unix://", f"unix://{login}")).ping()
    assert trouble_of(refused.value) == (
        "it wants another user or password: HEADRACE_REDIS_URL holds them, as in redis://USER:PASSWORD@HOST:PORT"
    )


def test_redis_that_is_away_is_told_of_in_its_own_words(redis: PrivateRedis) -> None:
    redis.stop()
    with pytest.raises(RedisError) as refused:
        redis.client().ping()
    assert "redis.sock" in trouble_of(refused.value)
