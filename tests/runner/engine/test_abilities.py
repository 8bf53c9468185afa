"""What an engine turns out not to do is done without, and told once."""

from collections.abc import Mapping
from typing import Any

import pytest

from runner.engine.abilities import NO_INIT, Abilities
from runner.engine.answers import Restriction
from runner.engine.calls.machine import facts
from runner.engine.client import Engine, EngineInfo, EngineKind, EngineRefusal
from runner.engine.machine import Machine
from runner.engine.network import DEFAULT_RANGE

WITH_INIT = {"Image": "a", "HostConfig": {"Init": True, "PidsLimit": 1}}


class Initless:
    """Makes containers in name only, and refuses as Podman does where it has no init program."""

    def __init__(self) -> None:
        self.made: list[Mapping[str, Any]] = []

    def create_container(self, options: Mapping[str, Any], name: str) -> str:
        if options["Image"] == "missing":
            raise EngineRefusal("no such image", 404, "no such image")
        if options["HostConfig"].get("Init"):
            answer = "container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file"
            raise EngineRefusal(answer, 500, answer)
        self.made.append(options)
        return name


def test_a_missing_init_program_is_told_once_and_done_without(caplog: pytest.LogCaptureFixture) -> None:
    engine = Initless()
    abilities = Abilities(engine)
    assert [abilities.create_container(WITH_INIT, name) for name in ("a", "b")] == ["a", "b"]
    assert engine.made == [{"Image": "a", "HostConfig": {"PidsLimit": 1}}] * 2
    assert caplog.messages == [NO_INIT]


ABLE = {
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "SecurityOptions": ["name=seccomp,profile=default"],
}
UNABLE = {"MemoryLimit": False, "PidsLimit": False, "CpuCfsQuota": False, "SecurityOptions": ["name=apparmor"]}
ALL = tuple(Restriction)


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        (ABLE, ()),
        ({}, ()),
        (UNABLE, ALL),
        ({**ABLE, "MemoryLimit": False}, (Restriction.MEMORY,)),
        ({**ABLE, "SecurityOptions": []}, (Restriction.SYSTEM_CALLS,)),
    ],
)
def test_what_an_engine_says_that_it_can_not_restrict_is_known(
    said: dict[str, Any], lacks: tuple[Restriction, ...]
) -> None:
    found = {"Architecture": "x86_64", "NCPU": 2, "MemTotal": 7, **said}
    info = facts(EngineKind.PODMAN, found)
    assert info.lacks == lacks
    assert info.memory_bytes == (0 if Restriction.MEMORY in lacks else 7)


class Unable(Engine):
    """An engine that is asked nothing else than for its facts."""

    def info(self) -> EngineInfo:
        return EngineInfo(kind=EngineKind.PODMAN, architecture="x86_64", cpus=2, memory_bytes=0, lacks=ALL)


def test_what_an_engine_can_not_restrict_is_told_once_in_a_run(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(Unable("unix:///nowhere"), DEFAULT_RANGE)
    assert machine.info == machine.info
    assert len(caplog.messages) == 1
    assert "can't restrict memory, the number of processes, processors, system calls (seccomp)" in caplog.text


@pytest.mark.docker
def test_this_engine_can_restrict_all(engine: Engine) -> None:
    assert engine.info().lacks == ()


def test_other_refusals_come_through(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EngineRefusal, match="no such image"):
        Abilities(Initless()).create_container({**WITH_INIT, "Image": "missing"}, "a")
    assert caplog.messages == []
