"""Containers that wait at their gates for their step's turn, on a real engine."""

import subprocess
from typing import Any

import pytest

from pipelines.status import Status
from runner.backend import Ticket
from runner.engine.client import Engine
from runner.engine.gatedstep import GatedStep
from runner.engine.sandbox import SHIM
from runner.stop import Stop
from tests.runner.engine.belongings import held, left
from tests.runner.engine.sites import empty_tree
from tests.runner.world import World, when_it_says
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


def at_its_gate(engine: Engine, container: str) -> bool:
    """True if the container runs our program still."""
    command = ["docker", "top", container, "-o", "pid,args"]
    top = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return any(line.split()[1] == SHIM for line in top.splitlines())


def test_the_next_container_waits_at_its_gate_while_a_step_runs(containers: World, engine: Engine) -> None:
    def look() -> None:
        wait_until(lambda: sum(at_its_gate(engine, each) for each in held(engine, "ahead")) == 2, what="two wait")

    steps = containers.chain(
        containers.step("a", "echo up", "sleep 0.1"), containers.step("b", "echo b"), containers.step("c", "echo c")
    )
    result = containers.run(*steps, run="ahead", watch=when_it_says("up", look))
    assert [result.lines(name) for name in ("b", "c")] == [["b"], ["c"]]
    assert left(engine, "ahead") == []


def test_steps_come_to_their_gates_before_there_is_a_network_and_go_on_once_they_are_on_it(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which takes twice as long to make as to start a container that has none."""
    create, join = Engine.create_network, Engine.join_network

    def create_late(*arguments: Any) -> None:
        wait_until(lambda: any(at_its_gate(engine, each) for each in held(engine, "early")), what="one is at its gate")
        create(*arguments)

    def join_late(*arguments: Any) -> None:
        wait_until(
            lambda: sum(at_its_gate(engine, each) for each in held(engine, "early")) == 2, what="both are at theirs"
        )
        join(*arguments)

    monkeypatch.setattr(Engine, "create_network", create_late)
    monkeypatch.setattr(Engine, "join_network", join_late)
    steps = [containers.step(name, "test -e /sys/class/net/eth0") for name in ("a", "b")]
    result = containers.run(*steps, run="early")
    assert result.statuses() == {"a": "success", "b": "success"}
    assert left(engine, "early") == []


def test_what_waits_is_gone_after_a_failure_and_a_stop(containers: World, engine: Engine) -> None:
    stop = Stop()

    def ask() -> None:
        wait_until(lambda: len(held(engine, "vain")) == 3, what="two are held")
        stop.request(Status.CANCELLED, "enough")

    steps = containers.chain(containers.step("a", "echo up; sleep 60"), containers.step("b"), containers.step("c"))
    result = containers.run(*steps, run="vain", stop=stop, watch=when_it_says("up", ask))
    assert result.statuses() == {"a": "cancelled", "b": "skipped", "c": "skipped"}
    assert left(engine, "vain") == []


def test_a_step_whose_waiting_container_was_removed_gets_another(containers: World, engine: Engine) -> None:
    """Nothing of it has run, so nothing is lost."""

    def remove() -> None:
        waiting = [each for each in held(engine, "bereft") if at_its_gate(engine, each)]
        for each in waiting:
            engine.remove_container(each)
        assert waiting

    def look() -> None:
        wait_until(lambda: any(at_its_gate(engine, each) for each in held(engine, "bereft")), what="one waits")
        remove()

    steps = containers.chain(containers.step("a", "echo up", "sleep 0.5"), containers.step("b", "echo all the same"))
    result = containers.run(*steps, run="bereft", watch=when_it_says("up", look))
    assert result.lines("b") == ["all the same"]
    assert result.status is Status.SUCCESS
    assert left(engine, "bereft") == []


def test_a_gate_ends_by_itself_when_whoever_could_open_it_is_gone(containers: World, engine: Engine) -> None:
    site = containers.backend.open(
        containers.job(containers.step("a")), Ticket(run="lost", job="b"), empty_tree, Stop()
    )
    try:
        readied = site.ready(containers.step("a"), {}, 0)
        [container] = held(engine, "lost")
        assert isinstance(readied, GatedStep)
        assert readied._stream is not None
        readied._stream.close()
        wait_until(lambda: not engine.state(container).is_running, what="the gate ends")
        assert engine.state(container).exit_code == 125
        readied.discard()
    finally:
        site.close()
    assert left(engine, "lost") == []


def test_the_gate_is_read_only_and_no_step_can_change_it_for_those_after(containers: World) -> None:
    step = containers.step("a", f"cat {SHIM} > copy", f"[ -s copy ] && ! cp copy {SHIM} && ! rm -rf {SHIM}")
    assert containers.run(step).status is Status.SUCCESS
