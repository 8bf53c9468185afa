"""Recipe: all that decides about an image that is built, the name that follows from it, and what is asked for. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.details import Build, Resources
from runner.engine.builds.context import Context

REPOSITORY = "headrace/build"
_FORMAT = "1"
_CPU_PERIOD = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What goes into an image: files, arguments, and the base images by their ids."""

    build: Build
    context: Context
    arguments: Mapping[str, str]
    base_ids: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The image's tag: the same for the same recipe, and for nobody who doesn't know it."""
        parts = [
            _FORMAT,
            self.context.digest,
            self.context.dockerfile,
            self.build.target,
            dict(self.arguments),
            self.base_ids,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """The image's whole name."""
        return f"{REPOSITORY}:{self.tag}"

    def options(self, resources: Resources | None, network: str) -> dict[str, Any]:
        """The API's options of a build: its containers go whatever happens, and take no more than the step may."""
        options: dict[str, Any] = {
            "t": self.name,
            "dockerfile": self.context.dockerfile,
            "buildargs": dict(self.arguments),
            "networkmode": network,
            "rm": True,
            "forcerm": True,
        }
        if self.build.target:
            options["target"] = self.build.target
        return options | _limits(resources or Resources())


def _limits(resources: Resources) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if resources.memory is not None:
        options |= {"memory": resources.memory, "memswap": resources.memory}
    if resources.cpus is not None:
        options |= {"cpuperiod": _CPU_PERIOD, "cpuquota": round(resources.cpus * _CPU_PERIOD)}
    if resources.shm is not None:
        options["shmsize"] = resources.shm
    return options
