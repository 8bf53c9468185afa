"""What becomes of a fetch when the network, the server or another process is in its way."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.event import Event
from pipelines.status import Status
from runner.errors import SourceError
from runner.source import fetch
from runner.source.access import MACHINE
from runner.source.clonesettings import CloneSettings
from runner.source.gitcommand import git, git_stream
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched, fetched_as_asked, locked
from runner.source.tree import commit_tree
from runner.source.tries import Tries
from runner.stop import Stop
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of
from tests.runner.source.gitserver import GitServer
from tests.trees import contents
from tests.waiting import wait_until

SOON = timedelta(milliseconds=10)


def pushed(origin: GitRepository, server: GitServer) -> Event:
    sha = origin.commit(file="1")
    return push_of(server.publish(origin, "acme/web"), sha)


def cancel_once_asked(server: GitServer, stop: Stop, reason: str) -> threading.Thread:
    def cancel() -> None:
        wait_until(lambda: server.seen, what="the server is asked")
        stop.request(Status.CANCELLED, reason)

    thread = threading.Thread(target=cancel)
    thread.start()
    return thread


def test_failure_that_may_pass_is_tried_again(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    event = pushed(origin, server)
    server.failures = 2
    mirror = fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=3, backoff=SOON))
    assert contents(commit_tree(mirror))["file"] == b"1"


def test_no_more_tries_are_made_than_asked_for(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    event = pushed(origin, server)
    server.failures = 100
    with pytest.raises(SourceError, match="503"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=3, backoff=SOON))
    assert len(server.seen) == 3


def test_commit_that_comes_a_moment_later_is_found(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """A forge may tell of a push before each of its servers has it."""
    origin.commit(file="1")
    url = server.publish(origin, "acme/web")
    event = push_of(url, origin.commit(file="2"))
    publish_soon = threading.Thread(
        target=lambda: (wait_until(lambda: server.seen, what="a first try"), server.publish(origin, "acme/web"))
    )
    publish_soon.start()
    mirror = fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=100, backoff=SOON))
    publish_soon.join()
    assert contents(commit_tree(mirror))["file"] == b"2"


def test_repository_that_is_not_there_is_asked_for_once(server: GitServer, tmp_path: Path) -> None:
    event = push_of(f"{server.url}/acme/none.git", "1" * 40)
    with pytest.raises(SourceError, match="not found"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5))
    assert len(server.seen) == 1


def test_server_that_hangs_does_not_hold_up_a_cancel(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """And nothing of git runs on: not even what it has started."""
    event = pushed(origin, server)
    server.answers.clear()
    stop = Stop()
    cancel = cancel_once_asked(server, stop, "Ann cancelled it")
    with pytest.raises(SourceError, match="git fetch was stopped: Ann cancelled it"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5), stop=stop)
    cancel.join()
    wait_until(lambda: not processes_with(server.url), what="git and its children have ended")


def processes_with(text: str) -> list[str]:
    """The command lines on this machine that this text is in."""
    lines = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if text in line]


def test_cancel_ends_the_wait_for_another_try(server: GitServer, tmp_path: Path) -> None:
    event = push_of(f"{server.url}/acme/web.git", "1" * 40)
    server.failures = 100
    stop = Stop()
    cancel = cancel_once_asked(server, stop, "enough")
    with pytest.raises(SourceError, match="was stopped: enough"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5, backoff=timedelta(hours=1)), stop=stop)
    cancel.join()


def test_server_that_hangs_is_given_up(
    origin: GitRepository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "PATIENCE", timedelta(seconds=0.5))
    event = pushed(origin, server)
    server.answers.clear()
    with pytest.raises(SourceError, match=r"git fetch did not end within 0\.5 s"):
        fetched(tmp_path / "mirrors", event)
    wait_until(lambda: not processes_with(server.url), what="git and its children have ended")


def test_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "git"
    hanging.write_text("#!/bin/sh\necho begun\nsleep 1000 & wait\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SourceError, match=r"git status did not end within 0\.3 s"):
        git(tmp_path, "status", timeout=timedelta(seconds=0.3))
    stream = git_stream(tmp_path, "archive", silence=timedelta(seconds=3))
    assert next(stream) == b"begun\n"
    with pytest.raises(SourceError, match=r"git archive printed nothing for 3 s"):
        next(stream)


def test_stream_that_nobody_reads_on_ends_its_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = tmp_path / "pid"
    endless = tmp_path / "git"
    endless.write_text(f"#!/bin/sh\necho $$ > {process}\nexec yes\n")
    endless.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    stream = git_stream(tmp_path, "archive")
    next(stream)
    stream.close()  # type: ignore[attr-defined] # it is a generator
    with pytest.raises(ProcessLookupError):
        os.kill(int(process.read_text()), 0)


def test_complaints_of_any_length_never_block_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chatty = tmp_path / "git"
    chatty.write_text("#!/bin/sh\nhead -c 3000000 /dev/zero >&2\necho 'fatal: at last' >&2\necho done\n")
    chatty.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert b"".join(git_stream(tmp_path, "archive")) == b"done\n"


def test_machine_without_git_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "env").symlink_to("/usr/bin/env")
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(SourceError, match="git is not installed: install the package `git`"):
        git(tmp_path, "status")


def test_directory_that_is_gone_is_never_mistaken_for_another(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot change to"):
        git(tmp_path / "gone", "rev-parse", "--git-dir")


PROGRAM = """
import sys
from pathlib import Path
from pipelines.event import Event, Repository
from runner.source.mirrors import fetched
event = Event(repository=Repository(clone_url=sys.argv[2]), sha=sys.argv[3], ref="refs/heads/main")
print(fetched(Path(sys.argv[1]), event).directory)
"""


def fetching(mirrors: Path, url: str, sha: str) -> "subprocess.Popen[str]":
    """Another process that fetches into the same mirrors."""
    arguments = [sys.executable, "-c", PROGRAM, str(mirrors), url, sha]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_want_one_mirror_fetch_it_once(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    sha = origin.commit(file="1")
    url = server.publish(origin, "acme/web")
    server.answers.clear()
    processes = [fetching(tmp_path / "mirrors", url, sha) for _ in range(4)]
    wait_until(lambda: server.seen, what="one of them asks")
    server.answers.set()
    outputs = [process.communicate(timeout=150) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert len({stdout for stdout, _ in outputs}) == 1
    assert len([path for path in server.paths if "info/refs" in path]) == 1


def test_lock_of_a_process_that_was_killed_is_free(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """And what it left half-made is made anew or gone on with."""
    sha = origin.commit(file="1")
    url = server.publish(origin, "acme/web")
    server.answers.clear()
    process = fetching(tmp_path / "mirrors", url, sha)
    wait_until(lambda: server.seen, what="it asks")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    server.answers.set()
    assert contents(commit_tree(fetched(tmp_path / "mirrors", push_of(url, sha))))["file"] == b"1"


def test_who_waits_for_a_lock_can_be_stopped(origin: GitRepository, tmp_path: Path) -> None:
    event = push_of(origin.path, origin.commit(file="1"))
    first = fetched(tmp_path / "mirrors", event)
    stop = Stop()
    stop.request(Status.CANCELLED, "enough")
    second = Mirror(root=first.root, directory=first.directory, event=event, access=MACHINE, tries=Tries(stop=stop))
    with locked(first), pytest.raises(SourceError, match="was stopped: enough"), locked(second):
        pass


def test_mirror_that_a_crash_left_half_made_is_made_anew(origin: GitRepository, tmp_path: Path) -> None:
    event = push_of(origin.path, origin.commit(file="1"))
    directory = fetched(tmp_path / "mirrors", event).directory
    (directory / "HEAD").unlink()
    assert contents(commit_tree(fetched(tmp_path / "mirrors", event)))["file"] == b"1"


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        ("--upload-pack=touch canary", "the clone's `remote` is at .*: expected an https or ssh address"),
        ("/srv/private.git", "expected an https or ssh address"),
        ("{url}/evil/web.git", "transport 'http' not allowed"),
    ],
)
def test_remote_is_not_followed_wherever_it_leads(
    origin: GitRepository, server: GitServer, tmp_path: Path, remote: str, message: str
) -> None:
    event = pushed(origin, server)
    server.publish(origin, "evil/web")
    with pytest.raises(SourceError, match=message):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(remote=remote.format(url=server.url)))


def test_remote_of_the_same_owner_is_where_the_commit_comes_from(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    sha = origin.commit(file="1")
    url = server.publish(origin, "acme/copy")
    event = push_of(f"{server.url}/acme/web.git", sha)
    mirror = fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(remote=url))
    assert url.encode() in contents(commit_tree(mirror))[".git/config"]
