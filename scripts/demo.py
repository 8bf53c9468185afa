"""The demo: a real repository, a running Headrace, a push, and its run followed live to the file it leaves.

Exits 0 only if the run succeeded, the artifact holds what the step wrote, and nothing is left behind. `KEEP=1` leaves
the server up. Everything lives in one temporary directory.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
from demo_repository import Repository, install_hook, make_repository, push
from demo_screen import DemoError, heading, paint, say, show_run
from demo_server import ENDINGS, Server, server_in

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "pipelines/examples/hello.yaml"
ARTIFACT = "dist/hello.txt"
NAME = "demo/hello"
OUR_FAULT = 3
INTERRUPTED = 130


def main() -> int:
    """Run the demo; the exit code."""
    for ending in ENDINGS:
        signal.signal(ending, interrupt)
    began = time.monotonic()
    try:
        run_demo(keep=bool(os.environ.get("KEEP")))
    except DemoError as error:
        print(paint(f"\n✘ {error}", "red"))
        return OUR_FAULT
    except KeyboardInterrupt:
        print("\ninterrupted: what was made is stopped and removed")
        return INTERRUPTED
    print(paint(f"\n✔ pushed, run, seen and kept in {time.monotonic() - began:.1f} s", "green"))
    return 0


def interrupt(*_: object) -> None:
    """End the demo in order. A second Ctrl-C must not cut the cleaning up short, so it is not heard."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_demo(*, keep: bool) -> None:
    """The whole story, a heading a chapter."""
    with temporary_directory(keep=keep) as directory, nothing_left() as runs:
        heading("A repository with one workflow")
        repository = make_repository(directory, workflow())
        heading("Headrace runs, and knows a person and the repository")
        with server_in(directory, keep=keep) as server:
            link = server.make_account()
            install_hook(repository, server.add_repository(NAME, str(repository.origin)))
            heading("A push")
            page = push_and_find_page(repository)
            runs.append(run := find_run(server, page))
            heading("Its run, live")
            follow(server, run)
            heading("What it leaves")
            check_artifact(server, run, repository.sha)
            say(f"its page: {page}")
            if keep:
                print(f"\nThe server stays up. To choose a password and look around, as demo:\n   {link}")
                print(f"To stop it and remove all:\n   sh {write_stop_script(server, directory)}")


def workflow() -> str:
    """The example, on an image that this machine has or can have without a registry."""
    command = [sys.executable, str(ROOT / "scripts/busybox_image.py")]
    image = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if image.returncode:
        raise DemoError("there is no busybox image to run steps in")
    text = EXAMPLE.read_text(encoding="utf-8").replace("image: busybox", f"image: {image.stdout.decode().strip()}")
    for line in text.splitlines():
        say(paint(line, "dim"))
    return text


def push_and_find_page(repository: Repository) -> str:
    """Push; the address of the run's page, as the hook tells it to the pusher."""
    say("$ git push origin main")
    said = push(repository)
    for line in said.splitlines():
        say(paint(line.rstrip(), "dim"))
    addresses = [word for word in said.split() if word.startswith("http://")]
    if not addresses:
        raise DemoError("no run was made for the push")
    return addresses[-1]


def find_run(server: Server, page: str) -> str:
    """The id of the run that a page shows."""
    runs = server.get("/api/runs").json()["runs"]
    return next(str(run["id"]) for run in runs if run["url"] == page)


def follow(server: Server, run_id: str) -> None:
    """Show the run until it ends. Raises DemoError if that is not a success."""
    status = show_run(server.lines(f"/api/runs/{run_id}/records?logs=1"))
    if status != "success":
        raise DemoError(f"the run ended as {status or 'nothing we know of'}; Headrace said:\n{server.last_words()}")


def check_artifact(server: Server, run_id: str, sha: str) -> None:
    """Download what the step kept. Raises DemoError if it is not what the step wrote."""
    artifacts = server.get(f"/api/runs/{run_id}/artifacts").json()["artifacts"]
    kept = next((artifact for artifact in artifacts if artifact["path"] == ARTIFACT), None)
    if kept is None:
        raise DemoError(f"the run kept no {ARTIFACT}")
    text = server.get(kept["url"]).text
    say(f"{kept['path']}, {kept['size_bytes']} bytes: {kept['url']}")
    say(f"{paint('│', 'dim')} {text.strip()}")
    if sha not in text:
        raise DemoError(f"{ARTIFACT} should name the commit {sha}, but holds {text!r}")


def write_stop_script(server: Server, directory: Path) -> Path:
    """A script that ends the server, waits for that, and removes everything."""
    pid = server.process.pid
    script = directory / "stop"
    script.write_text(
        f"kill {pid}\n"
        f"for _ in $(seq 200); do kill -0 {pid} 2>/dev/null || break; sleep 0.1; done\n"
        f"rm -r {shlex.quote(str(directory))}\n",
        encoding="utf-8",
    )
    return script


@contextlib.contextmanager
def temporary_directory(*, keep: bool) -> Iterator[Path]:
    """A directory that is gone at the end, unless it is kept and all went well."""
    directory = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    try:
        yield directory
    except BaseException:
        shutil.rmtree(directory)
        raise
    if not keep:
        shutil.rmtree(directory)


@contextlib.contextmanager
def nothing_left() -> Iterator[list[str]]:
    """A list for the ids of runs: whatever happens, the engine must hold nothing of them afterwards."""
    runs: list[str] = []
    try:
        yield runs
    finally:
        left = [name for run in runs for name in left_of(run)]
        if left:
            raise DemoError(f"left in the engine: {', '.join(left)}")


def left_of(run: str) -> list[str]:
    """The ids of all that the engine holds for a run."""
    with contextlib.closing(docker.from_env()) as engine:
        ours: dict[str, str | list[str] | bool] = {"label": f"headrace.run={run}"}
        containers = engine.containers.list(all=True, filters=ours)
        networks = engine.networks.list(filters=ours)
        volumes = engine.volumes.list(filters=ours)
        return [str(thing.id) for thing in (*containers, *networks, *volumes)]


if __name__ == "__main__":
    sys.exit(main())
