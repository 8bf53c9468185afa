"""Lanes and the networks of jobs, on a real engine: what reaches what, and what doesn't."""

import itertools
import os
import threading
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import Stream
from runner.backend import Ticket
from runner.engine.client import Engine, EngineRefusal
from runner.engine.containers import DockerBackend
from runner.stop import Stop
from tests.runner.engine.belongings import left
from tests.runner.engine.sites import empty_tree
from tests.runner.world import World

pytestmark = pytest.mark.docker


def test_two_jobs_at_once_do_not_meet(containers: World, engine: Engine) -> None:
    """Same workflow, same service name, same file: each sees its own, on a network of its own."""
    serve = "mkdir /www; echo $WHO > /www/index.html; httpd -f -p 80 -h /www"
    results = {}

    def run(who: str) -> None:
        me = {"WHO": who}
        step = containers.step(
            "a",
            "echo $WHO > mine; until wget -qO- http://web; do sleep 0.05; done; sleep 0.5; cat mine",
            environment=me,
            timeout=60,
        )
        service = containers.step("web", serve, environment=me)
        results[who] = containers.run(step, services=(service,), run=f"twin-{who}")

    threads = [threading.Thread(target=run, args=(who,)) for who in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for who in ("one", "two"):
        assert results[who].lines("a", Stream.STDOUT) == [who, who]
        assert left(engine, f"twin-{who}") == []


def test_services_are_reached_by_name_from_every_lane(containers: World) -> None:
    service = containers.step("web", "mkdir /www; echo served > /www/index.html", "httpd -f -p 8080 -h /www")
    fetch = "until wget -qO- http://web:8080; do sleep 0.05; done"
    steps = [
        containers.step("a", "touch a; until [ -e b ]; do sleep 0.02; done", fetch, timeout=60),
        containers.step("b", "touch b; until [ -e a ]; do sleep 0.02; done", fetch, timeout=60),
    ]
    result = containers.run(*steps, services=(service,))
    assert result.lines("a", Stream.STDOUT) == ["served"]
    assert result.lines("b", Stream.STDOUT) == ["served"]


def test_steps_side_by_side_may_use_the_same_port(containers: World) -> None:
    def step(name: str, other: str) -> PlannedStep:
        listen = f"nc -l -p 9000 & touch {name}; until [ -e {other} ]; do sleep 0.02; done; kill $!"
        return containers.step(name, listen, timeout=60)

    result = containers.run(step("a", "b"), step("b", "a"))
    assert result.statuses() == {"a": "success", "b": "success"}


def test_jobs_share_a_small_range_until_it_is_full(containers: World, engine_url: str, engine: Engine) -> None:
    """A range with room for one: the second job is an error that says why, and takes nothing."""
    network = IPv4Network((int(IPv4Address("10.232.0.0")) + os.getpid() % 4096 * 16, 28))  # another suite has another
    backend = DockerBackend(engine_url, network_range=network)
    containers.backend = backend
    job = containers.job(containers.step("a"))
    site = backend.open(job, Ticket(run="first", job="build"), empty_tree, Stop())
    try:
        site.wait_until_open()
        result = containers.run(containers.step("a"), run="second")
    finally:
        site.close()
        backend.close()
    assert result.job.reason == f"no free network for 1 containers in {network}"
    assert left(engine, "first") == left(engine, "second") == []


def test_a_lane_that_is_not_taken_on_the_network_is_made_anew(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the container of the step that has come to its gate there."""
    join, joined = Engine.join_network, itertools.count()

    def refuse_the_second(*arguments: Any) -> None:
        if next(joined) == 1:
            raise EngineRefusal("not now", 500)
        join(*arguments)

    monkeypatch.setattr(Engine, "join_network", refuse_the_second)
    steps = [containers.step(name, "test -e /sys/class/net/eth0") for name in ("a", "b")]
    result = containers.run(*steps, run="spurned")
    assert result.statuses() == {"a": "success", "b": "success"}
    assert next(joined) >= 3
    assert left(engine, "spurned") == []
