"""A hunt for hangs: random small workflows, and random things that happen to whoever runs them.

    python bench/hunt.py [--minutes 3] [--seed N] [--of local|engine|service]

`local`: `headrace run` is sent signals, killed, not read any more, or loses a container. `engine`: its engine, one of
its own, is killed, stopped or frozen meanwhile and comes back; that needs root. `service`: of a server, a worker, its
work horse and Redis each is killed, frozen or emptied, and runs are cancelled. Whatever happens, each run must end
within a minute, as what its Records say, and leave nothing; a service's runs must also have one end at the forge and a
log without a gap. The seed of a round that does not hold is told, with what every thread was at; the exit code is 1.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from runner.engine.client import Engine
from tests.faults.installation import Installation
from tests.faults.private_engine import PrivateEngine
from tests.faults.team import NEVER_END, Team, horses, hurt_team, signal_all
from tests.faults.wild import workflow
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until

_LONGEST_SECONDS = 60.0
_EXIT_CODES = {"success": 0, "skipped": 0, "failure": 1, "error": 3, "timed_out": 4, "cancelled": 130}
_SHARED = "unix:///var/run/docker.sock"

Headrace = subprocess.Popen[bytes]
Blow = Callable[[random.Random, Headrace, Installation], None]


class FoundError(Exception):
    """Raised when something does not hold."""


def main() -> int:
    """Hunt for so long; gives 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - no secret
    parser.add_argument("--of", choices=[*_ROUNDS], action="append")
    options = parser.parse_args()
    ends, found, seed = time.monotonic() + 60 * options.minutes, 0, options.seed
    while time.monotonic() < ends:
        for kind in options.of or _ROUNDS:
            found += not _holds(kind, seed)
        seed += 1
    print(f"{seed - options.seed} seeds from {options.seed}: {found} found")
    return 1 if found else 0


def _holds(kind: str, seed: int) -> bool:
    began = time.monotonic()
    try:
        told = _ROUNDS[kind](random.Random(seed))  # noqa: S311 - no secret
    except (FoundError, AssertionError) as error:
        print(f"FOUND by --of {kind} --seed {seed}: {error}", flush=True)
        return False
    print(f"{kind} {seed}: {told}, {time.monotonic() - began:.1f} s", flush=True)
    return True


def _local(dice: random.Random) -> str:
    with tempfile.TemporaryDirectory(prefix="hunt-") as directory, closing(Engine(_SHARED)) as engine:
        return _run(dice, Path(directory), engine, _SHARED, _image(_SHARED), _BLOWS)


def _engine(dice: random.Random) -> str:
    private = PrivateEngine(live_restore=dice.random() < 0.5)
    with tempfile.TemporaryDirectory(prefix="hunt-") as directory, closing(private):
        private.start()

        def hurt(dice: random.Random, _process: Headrace, _place: Installation) -> None:
            _hurt_engine(dice, private)

        with closing(Engine(private.url)) as engine:
            return _run(dice, Path(directory), engine, private.url, private.busybox(), [hurt])


def _hurt_engine(dice: random.Random, private: PrivateEngine) -> None:
    away = dice.uniform(0, 3)
    if dice.random() < 0.4:
        private.freeze()
        time.sleep(away)
        private.thaw()
    else:
        private.send(dice.choice([signal.SIGKILL, signal.SIGTERM]))
        private.wait()
        time.sleep(away)
        private.start()


def _run(dice: random.Random, directory: Path, engine: Engine, url: str, image: str, blows: Sequence[Blow]) -> str:
    place = Installation(directory, engine, image, workflow(dice, image), environment={"DOCKER_HOST": url})
    blow = dice.choice(blows)
    process = place.start("run", "--output", "json")
    try:
        with _read(process) as lines:
            if dice.random() < 0.8:
                wait_until(lambda: lines or process.poll() is not None, seconds=_LONGEST_SECONDS, what="it has begun")
            time.sleep(dice.uniform(0, 4))
            blow(dice, process, place)
            _await_end(process)
        status = _check_records(lines, process.returncode)
        if process.returncode >= 0 and url == _SHARED:
            _check(not place.left(), f"left behind: {place.left()}")
        wait_until(place.is_swept, seconds=_LONGEST_SECONDS, what="nothing is left")
    finally:
        place.end()
    return f"{blow.__name__.strip('_')} → {status}"


@contextmanager
def _read(process: Headrace) -> Iterator[list[bytes]]:
    """What it prints, as far as the blow lets it be read; all of it after the block."""
    lines: list[bytes] = []
    assert process.stdout
    stdout = process.stdout

    def read() -> None:
        with suppress(ValueError, OSError):
            lines.extend(stdout)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield lines
    thread.join(_LONGEST_SECONDS)
    _check(not thread.is_alive(), "its output does not end")


def _await_end(process: Headrace) -> None:
    try:
        process.wait(_LONGEST_SECONDS + 60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # each thread tells where it is
        _, told = process.communicate()
        raise FoundError(f"it does not end:\n{told.decode()[-20_000:]}") from None


def _check_records(lines: Sequence[bytes], code: int) -> str:
    """What the run has ended as, if all that it has told agrees with that."""
    records = [json.loads(line) for line in lines if line.endswith(b"\n")]
    _check([each["seq"] for each in records] == list(range(1, len(records) + 1)), "a Record is missing")
    if not records or records[-1]["type"] != "run_finished":
        _check(code in (3, 130) or code < 0, f"exit code {code} without an end")
        return f"exit code {code}"
    status: str = records[-1]["status"]
    _check(_EXIT_CODES[status] == code, f"{status}, and exit code {code}")
    for kind in ("job", "step"):
        started = [each.get("step", each.get("job")) for each in records if each["type"] == f"{kind}_started"]
        ended = [each.get("step", each.get("job")) for each in records if each["type"] == f"{kind}_finished"]
        _check(len(ended) == len(set(ended)), f"a {kind} has ended twice: {ended}")
        _check(set(started) <= set(ended), f"a {kind} has not ended: {started}, {ended}")
    return status


def _check(holds: bool, what: str) -> None:  # noqa: FBT001 - as `assert` has it
    if not holds:
        raise FoundError(what)


def _nothing(_dice: random.Random, process: Headrace, _place: Installation) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(3)
    if process.poll() is None:
        process.terminate()


def _one_signal(dice: random.Random, process: Headrace, _place: Installation) -> None:
    process.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]))


def _two_signals(dice: random.Random, process: Headrace, _place: Installation) -> None:
    process.send_signal(signal.SIGINT)
    time.sleep(dice.uniform(0, 0.5))
    process.send_signal(signal.SIGTERM)


def _lost_containers(dice: random.Random, process: Headrace, place: Installation) -> None:
    """An operator removes some, and then goes home."""
    for name in dice.sample(left := place.left(), min(2, len(left))):
        subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
    _nothing(dice, process, place)


def _freeze(dice: random.Random, process: Headrace, _place: Installation) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(dice.uniform(0, 2))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)


_BLOWS: tuple[Blow, ...] = (_nothing, _one_signal, _two_signals, _lost_containers, _freeze)


def _service(dice: random.Random) -> str:
    directory = Path(tempfile.mkdtemp(prefix="hunt-"))
    redis = PrivateRedis(directory)
    redis.start()
    try:
        with closing(Engine(_SHARED)) as engine, hurt_team(directory, redis, engine, _image(_SHARED)) as team:
            return ", ".join(_hurt(dice, team) for _ in range(dice.randint(1, 4)))
    finally:
        redis.stop()
        subprocess.run(["rm", "-r", directory], check=True)


def _hurt(dice: random.Random, team: Team) -> str:
    """Push, and hurt something; gives what."""
    run_id = team.push() if dice.random() < 0.6 else team.push(f"echo here; {NEVER_END}", prints=("here",))
    time.sleep(dice.uniform(0, 4))
    wound = dice.choice([_kill_worker, _kill_horse, _kill_server, _stop_worker, _kill_redis, _empty_redis, _nobody])
    wound(dice, team)
    team.service.cancel(run_id)
    return wound.__name__.strip("_")


def _nobody(_dice: random.Random, _team: Team) -> None:
    pass


def _kill_worker(_dice: random.Random, team: Team) -> None:
    team.worker.end(signal.SIGKILL)
    team.worker = team.service.worker()


def _kill_horse(_dice: random.Random, team: Team) -> None:
    for pid in horses(team.worker):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_server(_dice: random.Random, team: Team) -> None:
    team.kill_server()
    team.server = team.service.server()


def _stop_worker(dice: random.Random, team: Team) -> None:
    signal_all(team.worker, signal.SIGSTOP)
    time.sleep(dice.uniform(0, 8))
    signal_all(team.worker, signal.SIGCONT)


def _kill_redis(dice: random.Random, team: Team) -> None:
    team.redis.kill()
    time.sleep(dice.uniform(0, 4))
    team.redis.start()


def _empty_redis(_dice: random.Random, team: Team) -> None:
    team.redis.client().flushall()


def _image(url: str) -> str:
    command = [sys.executable, "scripts/busybox_image.py"]
    done = subprocess.run(command, env={**os.environ, "DOCKER_HOST": url}, check=True, capture_output=True, text=True)
    return done.stdout.strip()


_ROUNDS: dict[str, Callable[[random.Random], str]] = {"local": _local, "engine": _engine, "service": _service}


if __name__ == "__main__":
    sys.exit(main())
