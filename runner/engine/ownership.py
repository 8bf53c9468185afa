"""Ownership: the labels that tell whose a container, network or volume is, and whether that process still lives.

DESIGN. A process is known by host name, number and start time, since numbers are used again; the start time is
counted from the boot, so the boot belongs to it. Two processes may share a host name only if they see each other's
numbers: workers in containers of their own need host names of their own, which they have unless told otherwise.
"""

import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.backend import Ticket

RUN, JOB, ATTEMPT = "headrace.run", "headrace.job", "headrace.attempt"
HOST, PROCESS, SITE = "headrace.host", "headrace.pid", "headrace.site"
ROLE, SANDBOX, FILES = "headrace.role", "sandbox", "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process on a host. `process` is `PID.START.BOOT`."""

    host: str
    process: str


def this_process(host: str | None = None) -> Owner:
    """The owner that we are. `host` replaces the machine's name."""
    pid = os.getpid()
    return Owner(host=host or socket.gethostname(), process=f"{pid}.{start_of_process(pid)}")


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
