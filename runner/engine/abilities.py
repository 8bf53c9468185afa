"""Abilities: what an engine turns out not to do, told once, with what is done instead."""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from runner.engine.client import EngineInfo, EngineRefusal
from runner.engine.spec import Options

log = logging.getLogger(__name__)

NO_INIT = "the container engine has no init program: processes that a step's own leave behind stay until it ends"


def tell_lacks(info: EngineInfo) -> None:
    """Name what the engine can't keep containers within: they run all the same."""
    if info.lacks:
        log.warning(
            "the container engine can't restrict %s: what steps ask for, or are limited to, has no effect there",
            ", ".join(info.lacks),
        )


class Maker(Protocol):
    """What makes containers: an Engine."""

    def create_container(self, options: Mapping[str, Any], name: str, /) -> str:
        """Make a container from the API's own options and give its id. Raises EngineRefusal."""


class Abilities:
    """Those of one engine, learned as it is used, from any thread."""

    def __init__(self, engine: Maker) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._has_init = True

    def create_container(self, options: Options, name: str) -> str:
        """Make a container as far as the engine can. Raises as `Engine.create_container` does."""
        if self._has_init:
            try:
                return self._engine.create_container(options, name)
            except EngineRefusal as refusal:
                if not (options["HostConfig"].get("Init") and _NO_INIT_PROGRAM in refusal.answer):
                    raise
            self._note_no_init()
        return self._engine.create_container(_without_init(options), name)

    def _note_no_init(self) -> None:
        with self._lock:
            if self._has_init:
                self._has_init = False
                log.warning(NO_INIT)


_NO_INIT_PROGRAM = "container-init binary not found"
"""Podman's words: it can't be asked before."""


def _without_init(options: Options) -> Options:
    host: dict[str, Any] = {**options["HostConfig"]}
    host.pop("Init", None)
    return {**options, "HostConfig": host}
