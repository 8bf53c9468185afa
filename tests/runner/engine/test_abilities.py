"""What an engine turns out not to do is done without, and told once."""

from collections.abc import Mapping
from typing import Any

import pytest

from runner.engine.abilities import NO_INIT, Abilities
from runner.engine.client import EngineRefusal

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


def test_other_refusals_come_through(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EngineRefusal, match="no such image"):
        Abilities(Initless()).create_container({**WITH_INIT, "Image": "missing"}, "a")
    assert caplog.messages == []
