"""Leftovers: what a test session has made and not removed, in the engine and on this machine.

Other sessions may run at the same time, so only what is surely ours counts: what bears the label of this very process,
our threads, our child processes. What other processes made for a test is for that test to look for, by its run.
"""

import threading
from pathlib import Path

from runner.engine.client import Engine
from runner.engine.ownership import PROCESS, this_process
from runner.errors import BackendError


def in_engine(url: str) -> list[str]:
    """The containers, networks and volumes that this process made there; none if there is no engine."""
    engine = Engine(url)
    label = f"{PROCESS}={this_process().process}"
    try:
        found = (*engine.containers(label), *engine.networks(label), *engine.volumes(label))
    except BackendError:
        return []
    finally:
        engine.close()
    return [str(dict(each.labels)) for each in found]


def on_this_machine() -> list[str]:
    """Our own threads that still run, and child processes, with what they are."""
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("headrace")]
    return [*threads, *_child_processes()]


def _child_processes() -> list[str]:
    lists = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    return [f"process {pid}: {_command(pid)}" for pids in lists for pid in pids]


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return "ended"
