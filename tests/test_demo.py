"""The demo, as a stranger runs it: it shows a whole run, and leaves the machine as it was, however it ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.docker, pytest.mark.redis]


@contextmanager
def demo(directory: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The demo under way, its temporary files in `directory`. It is killed if a test gives up on it."""
    process = subprocess.Popen(
        [sys.executable, "scripts/demo.py"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Return when the demo says it. The suite's own time-out ends a demo that never does."""
    assert process.stdout
    assert any(text in line for line in process.stdout), f"the demo never said {text!r}"


def processes_of(directory: Path) -> list[str]:
    """The command lines of the processes that name this directory."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(directory) in line]


def look_around(link: str, page: str) -> None:
    """Choose a password with the link, and read the page with that session."""
    with httpx.Client(headers={"sec-fetch-site": "same-origin"}) as browser:
        form = {"key": link.partition("?key=")[2], "password": "correct horse battery"}
        assert browser.post(link.partition("?")[0], data=form).status_code == 303
        assert browser.get(page).is_success


def test_demo_shows_the_run_and_leaves_no_files(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "✔ greet" in said
    assert "dist/hello.txt" in said
    assert re.search(r"http://127\.0\.0\.1:\d+/demo/hello/runs/1", said)
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("moment", ["$ headrace up", "job headrace", "✔ greet"])
def test_interrupted_demo_removes_what_it_made(tmp_path: Path, moment: str) -> None:
    """It looks by itself whether the engine holds something of its run, and would not end with 130 then."""
    with demo(tmp_path) as process:
        read_until(process, moment)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
    assert process.returncode == 130, said
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_demo_that_is_kept_serves_until_it_is_stopped_as_it_says(tmp_path: Path) -> None:
    with demo(tmp_path, KEEP="1") as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    page, link = re.search(r"its page: (\S+)", said), re.search(r"^ +(http\S+/setup\S+)$", said, re.MULTILINE)
    stop = re.search(r"^ +(sh .*)$", said, re.MULTILINE)
    assert page
    assert link
    assert stop
    try:
        look_around(link[1], page[1])
    finally:
        subprocess.run(stop[1], shell=True, check=True)  # noqa: S602 -- as a person would paste it
    assert list(tmp_path.iterdir()) == []
