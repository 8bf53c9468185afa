"""Early: the configured backend, at work for a run while that is still being planned.

DESIGN. A plan depends on nothing in the engine, and the network of a run's first job on nothing in the plan. So both
are made at the same time, the network by a thread. If nothing comes of the run, the network goes again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from runner.config import Config
from runner.engine.configured import docker_backend
from runner.engine.containers import DockerBackend


@contextmanager
def early_backend(config: Config, run: str) -> Iterator[Callable[[], DockerBackend]]:
    """The backend for the run, for whoever calls what this gives. Closed in the end, whoever did.

    The call raises BackendError if no engine answers; without it nobody hears of that.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="headrace-early") as pool:
        backend = pool.submit(docker_backend, config, begin_for=run)
        try:
            yield backend.result
        finally:
            if backend.exception() is None:
                backend.result().close()
