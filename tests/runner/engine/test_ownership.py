"""Whose things in the engine are: nobody takes a process for dead that it can't see."""

import socket
import subprocess
from pathlib import Path

import pytest

from runner.engine.ownership import HOST, PROCESS, RUN, is_left_behind, start_of_process, this_host, this_process


def labels(process: str, *, host: str = "here", run: str = "7") -> dict[str, str]:
    return {RUN: run, HOST: host, PROCESS: process}


def test_what_a_process_of_this_host_left_that_has_ended_is_left_behind() -> None:
    assert is_left_behind(labels("1.0.another-boot"), "here")
    assert not is_left_behind(labels(this_process().process), "here")


@pytest.mark.parametrize(
    "strange",
    [
        labels("1.0.another-boot", host="there"),
        {HOST: "here", PROCESS: "1.0.another-boot"},
        {RUN: "7", HOST: "here"},
        labels("not-a-number.0.another-boot"),
        {},
    ],
)
def test_what_is_not_surely_ours_is_let_be(strange: dict[str, str]) -> None:
    assert not is_left_behind(strange, "here")


def machine(root: Path, *, machine_id: str = "", mounts: str = "") -> Path:
    """The files by which a machine is known."""
    for path, text in (("etc/machine-id", machine_id), ("proc/self/mountinfo", mounts)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def test_machines_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Laptops that share an engine may well have the same name."""
    hosts = [this_host(machine(tmp_path / name[0], machine_id=f"{name * 8}\n")) for name in ("abcd", "ef01")]
    assert hosts == [f"{socket.gethostname()}/abcdabcdabcd", f"{socket.gethostname()}/ef01ef01ef01"]


def test_machine_without_an_id_is_known_by_its_name(tmp_path: Path) -> None:
    assert this_host(tmp_path) == socket.gethostname()


@pytest.mark.docker
def test_containers_on_the_network_of_their_machine_are_told_apart(tmp_path: Path, busybox: str) -> None:
    """They have the machine's name, and each its own numbers of processes, which all begin at 1."""
    command = ["docker", "run", "--detach", "--network", "host", busybox, "sh", "-c", "cat /proc/self/mountinfo"]
    ids = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() for _ in range(2)]
    try:
        for name in ids:
            subprocess.run(["docker", "wait", name], check=True, capture_output=True)
            mounts = subprocess.run(["docker", "logs", name], check=True, capture_output=True, text=True).stdout
            host = this_host(machine(tmp_path / name, machine_id="0123456789abcdef", mounts=mounts))
            assert host == f"{socket.gethostname()}/{name[:12]}"
    finally:
        subprocess.run(["docker", "rm", "--force", *ids], check=True, capture_output=True)


def test_podmans_containers_are_known_too(tmp_path: Path) -> None:
    mounts = f"1 2 0:3 /containers/storage/overlay-containers/{'ab' * 32}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw"
    assert this_host(machine(tmp_path, mounts=mounts)).endswith(f"/{'ab' * 6}")


def test_a_host_that_is_named_is_taken_at_its_word() -> None:
    assert this_process("worker-7").host == "worker-7"


def test_a_process_number_used_again_is_another_process() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        first = start_of_process(process.pid)
        assert first == start_of_process(process.pid) != ""
        process.kill()
    assert start_of_process(process.pid) == ""
