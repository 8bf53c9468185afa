"""Which subnet a job gets."""

from ipaddress import IPv4Network

import pytest

from runner.engine.network import free_subnets, prefix_for

POOL = IPv4Network("10.231.0.0/24")


@pytest.mark.parametrize(("addresses", "prefix"), [(1, 28), (13, 28), (14, 27), (29, 27), (30, 26), (300, 23)])
def test_a_subnet_has_room_for_all_beside_network_broadcast_and_gateway(addresses: int, prefix: int) -> None:
    assert prefix_for(addresses) == prefix
    assert 2 ** (32 - prefix) - 3 >= addresses


def test_all_subnets_of_a_range_come_up_once() -> None:
    found = list(free_subnets(POOL, 28, []))
    assert sorted(found) == list(POOL.subnets(new_prefix=28))


def test_what_overlaps_anything_taken_is_left_out() -> None:
    taken = [IPv4Network("10.231.0.0/25"), IPv4Network("10.231.0.128/30"), IPv4Network("172.17.0.0/16")]
    found = sorted(free_subnets(POOL, 28, list(taken)))
    assert found == [IPv4Network(f"10.231.0.{last}/28") for last in range(144, 256, 16)]


def test_a_range_that_is_too_small_has_nothing() -> None:
    assert list(free_subnets(POOL, 23, [])) == []
