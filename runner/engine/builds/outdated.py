"""Outdated: built images that nothing has used for long, and their removal."""

from datetime import UTC, datetime, timedelta

from runner.engine.builds.recipe import REPOSITORY
from runner.engine.client import Engine
from runner.errors import BackendError

UNUSED_FOR_LONG = timedelta(days=14)
"""After so long a worker removes a built image by itself."""

UNUSED = timedelta(hours=1)
"""What was used within the last hour may belong to a run under way."""


def remove_outdated(engine: Engine, unused_for: timedelta) -> int:
    """Remove built images that no step has used for so long; gives how many. One that a container uses is let be.

    Raises BackendError if the engine doesn't answer.
    """
    earliest = datetime.now(UTC) - unused_for
    tags = engine.tags_of(REPOSITORY)
    return sum(_remove(engine, name) for name, used in tags.items() if used < earliest)


def _remove(engine: Engine, name: str) -> bool:
    try:
        engine.remove_image(name)
    except BackendError:
        return False
    return True
