"""Ownership: the labels that tell whose a container, network or volume is, and whether that process still lives.

DESIGN. A process is known by its host, number and start time, since numbers are used again; the start time is counted
from the boot, so the boot belongs to it. Only who sees a process's number may judge whether it lives. A name alone does
not tell: laptops are called alike, and containers on the network of their machine have its name. So the host is the
name with the machine's own id, or, in a container, with the container's, which stays what it is through restarts and is
nobody else's; then nobody sweeps what a process made that it can't see. Who names a host is taken at their word: such
processes must see each other, or come after one another. Two installations on one machine do see each other, and each
may sweep what a killed process of the other left.
"""

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.backend import Ticket

RUN, JOB, ATTEMPT = "headrace.run", "headrace.job", "headrace.attempt"
HOST, PROCESS, SITE = "headrace.host", "headrace.pid", "headrace.site"
_MOUNTED = re.compile(r"/(?:overlay-)?containers/([0-9a-f]{64})/\S+ /etc/(?:hostname|hosts|resolv\.conf) ")
ROLE, SANDBOX, FILES = "headrace.role", "sandbox", "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process on a host. `process` is `PID.START.BOOT`."""

    host: str
    process: str


def this_process(host: str | None = None) -> Owner:
    """The owner that we are. `host` replaces what this host is known by."""
    pid = os.getpid()
    return Owner(host=host or this_host(), process=f"{pid}.{start_of_process(pid)}")


def this_host(root: Path = Path("/")) -> str:
    """What this machine, or this container, is known by: its name, and if it has one, an id that is its own."""
    own = _container_id(root) or _machine_id(root)
    return f"{socket.gethostname()}/{own[:12]}" if own else socket.gethostname()


def _container_id(root: Path) -> str:
    """The id of the container that we are in, by the files that every engine mounts there; `""` if we are in none."""
    try:
        found = _MOUNTED.search((root / "proc/self/mountinfo").read_text(errors="replace"))
    except FileNotFoundError:
        return ""
    return found[1] if found else ""


def _machine_id(root: Path) -> str:
    for path in ("etc/machine-id", "var/lib/dbus/machine-id"):
        with suppress(OSError):
            return (root / path).read_text().strip()
    return ""


def labels_for(owner: Owner, ticket: Ticket, site: str) -> dict[str, str]:
    """The labels of everything made for one site."""
    return {
        RUN: ticket.run,
        JOB: ticket.job,
        ATTEMPT: str(ticket.attempt),
        HOST: owner.host,
        PROCESS: owner.process,
        SITE: site,
    }


def is_left_behind(labels: Mapping[str, str], host: str) -> bool:
    """True if what bears these labels was made on this host by a process that has ended."""
    pid, _, start = labels.get(PROCESS, "").partition(".")
    return RUN in labels and labels.get(HOST) == host and pid.isdigit() and start_of_process(int(pid)) != start


def start_of_process(pid: int) -> str:
    """When the process started, in words that differ for every process that ever had this number; `""` if none has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _start_by_ps(pid)
    except ProcessLookupError:
        return ""
    # The second field is the program's name in parentheses and may hold anything, so count from its end.
    state, *fields = status.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{fields[18]}.{boot[:8]}"


def _start_by_ps(pid: int) -> str:
    """The same where there is no /proc, as on macOS."""
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "-".join(answer.stdout.split())
