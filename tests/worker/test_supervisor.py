"""The supervisor, with real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.supervisor import Child, Supervisor, headrace_command


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.send("child", signal.SIGKILL)
    supervisor.stop("child", patience_seconds=5)


def child(program: str) -> Child:
    return Child(name="child", command=[sys.executable, "-c", program], environment=dict(os.environ))


def pid_of(a_child: Child) -> int:
    assert a_child.process
    return a_child.process.pid


def test_child_that_ends_by_itself_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    supervisor.keep(child(f"open({str(lives)!r}, 'a').write('x')"))
    wait_until(lambda: lives.exists() and len(lives.read_text()) >= 2)


def test_child_that_keeps_ending_is_started_ever_more_slowly() -> None:
    restless = child("")
    restless.start()
    pauses = [restless.next_pause() for _ in range(8)]
    assert restless.wait(PATIENCE_SECONDS)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


def test_stop_asks_children_to_end_and_starts_none_again(supervisor: Supervisor, tmp_path: Path) -> None:
    said = tmp_path / "said"
    obedient = child(
        "import signal, sys; "
        f"signal.signal(signal.SIGTERM, lambda *_: (open({str(said)!r}, 'w').write('bye'), sys.exit())); "
        f"open({str(said)!r}, 'w').write('up'); signal.pause()"
    )
    supervisor.keep(obedient)
    wait_until(lambda: said.exists() and said.read_text() == "up")
    pid = pid_of(obedient)
    supervisor.stop("child", patience_seconds=5)
    assert said.read_text() == "bye"
    assert pid_of(obedient) == pid


def test_child_that_will_not_end_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.supervisor._LAST_WORDS_SECONDS", 0.1)
    ready = tmp_path / "ready"
    stubborn = child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"open({str(ready)!r}, 'w'); [signal.pause() for _ in iter(int, 1)]"
    )
    supervisor.keep(stubborn)
    wait_until(ready.exists)
    waits: list[str] = []
    supervisor.stop("child", patience_seconds=0.1, on_wait=lambda: waits.append("waiting"))
    assert stubborn.process
    assert stubborn.process.poll() == -signal.SIGKILL
    assert waits


def test_failed_start_is_noticed(supervisor: Supervisor) -> None:
    supervisor.keep(child("raise SystemExit(3)"))
    wait_until(lambda: supervisor.has_failed("child"))


def test_our_own_commands_never_import_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supervisor: Supervisor
) -> None:
    """A repository may well have a package named `runner`."""
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "__init__.py").write_text("raise SystemExit('the wrong runner')")
    monkeypatch.chdir(tmp_path)
    version = Child(name="version", command=headrace_command("--version"), environment=dict(os.environ))
    version.start()
    assert version.wait(PATIENCE_SECONDS)
    assert version.process
    assert version.process.returncode == 0
