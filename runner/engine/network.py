"""A job's private network: a small subnet of its own, so that hundreds fit where a default engine has room for 30."""

import random
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from runner.engine.client import Engine, EngineRefusal
from runner.errors import BackendError

DEFAULT_RANGE = IPv4Network("10.231.0.0/16")
_SMALLEST_PREFIX = 28
_ATTEMPTS = 16


def create_network(engine: Engine, name: str, *, addresses: int, pool: IPv4Network, labels: Mapping[str, str]) -> None:
    """Make a network with room for so many containers. Raises BackendError if the pool has no free subnet.

    Others pick at the same time, and the engine knows of routes that we don't: what it refuses is tried elsewhere.
    """
    refusal: EngineRefusal | None = None
    taken = [ip_network(subnet) for subnet in engine.subnets()]
    for _, subnet in zip(range(_ATTEMPTS), free_subnets(pool, prefix_for(addresses), taken), strict=False):
        try:
            engine.create_network(name, str(subnet), labels)
        except EngineRefusal as error:
            refusal = error
        else:
            return
    why = f": {refusal}" if refusal else ""
    raise BackendError(f"no free network for {addresses} containers in {pool}{why}") from refusal


def prefix_for(addresses: int) -> int:
    """The longest prefix, 28 at most, that leaves so many addresses beside network, broadcast and gateway."""
    return min(_SMALLEST_PREFIX, 32 - (addresses + 2).bit_length())


def free_subnets(pool: IPv4Network, prefix: int, taken: list[IPv4Network | IPv6Network]) -> Iterator[IPv4Network]:
    """The pool's subnets of this size that overlap nothing taken, from a random one on."""
    if prefix < pool.prefixlen:
        return
    count, size = 2 ** (prefix - pool.prefixlen), 2 ** (32 - prefix)
    first = random.randrange(count)  # noqa: S311 - only so that neighbours seldom pick the same
    for offset in range(count):
        subnet = IPv4Network((int(pool.network_address) + (first + offset) % count * size, prefix))
        if not any(subnet.overlaps(other) for other in taken if isinstance(other, IPv4Network)):
            yield subnet
