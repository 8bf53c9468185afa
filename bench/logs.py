"""What a step's log costs: from the bytes of a step to indexed files, with secrets masked.

    python bench/logs.py [--megabytes 200] [--secrets 20] [--rounds 5] [--engine URL] [--json]

Medians over the rounds of the mask alone; of bytes → lines → Records → log files, without an engine; and of a job
whose step prints, on the engine, against `docker run … > file` of the same bytes. Every secret stands once in each
megabyte, as it is, in base64 or in hex. The last line is the most memory that this process ever held.
"""

import argparse
import base64
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Ticket
from runner.engine.containers import DockerBackend
from runner.execute import execute
from runner.results.artifacts import DirectoryArtifacts
from runner.results.history import LocalHistory
from runner.results.mask import Mask, MaskedStream
from runner.results.steplog import Flusher, StepLog
from runner.scribe import Scribe
from runner.source.tarstream import tar_stream
from runner.stop import Stop

ROOT = Path(__file__).parent.parent
MEGABYTE = 1_000_000
PIECE_BYTES = 64 * 1024


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--secrets", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    secrets = {f"secret_{number}": _word(number, 32) for number in range(options.secrets)}
    text = _text(list(secrets.values()))
    figures = {
        "mask": _rate(lambda: _mask(text, secrets, options.megabytes), options),
        "bytes_to_files": _rate(lambda: _log(text, secrets, options.megabytes), options),
    }
    image = _busybox()
    backend = DockerBackend(options.engine)
    _job(backend, image, text, secrets, 1)  # the first job imports the sandbox's image
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(options.megabytes / _seconds(lambda: _job(backend, image, text, secrets, options.megabytes)))
        theirs.append(options.megabytes / _seconds(lambda: _docker_run(image, text, options.megabytes)))
    backend.close()
    figures |= {"step": statistics.median(ours), "docker_run": statistics.median(theirs)}
    _print(figures, options)
    return 0


def _print(figures: dict[str, float], options: argparse.Namespace) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.json:
        print(json.dumps({"megabytes": options.megabytes, "secrets": options.secrets, "memory_mib": memory, **figures}))
        return
    print(f"{options.megabytes} MB, {options.secrets} secrets, median of {options.rounds} rounds, MB/s")
    for name, rate in figures.items():
        print(f"  {name:20} {rate:8.1f}")
    print(f"  {'step : docker_run':20} {figures['step'] / figures['docker_run']:8.2f}")
    print(f"  {'memory, MiB':20} {memory:8.1f}")


def _mask(text: bytes, secrets: dict[str, str], megabytes: int) -> None:
    stream = MaskedStream(Mask(secrets.values()))
    for piece in _pieces(text, megabytes):
        stream.feed(piece)
    stream.finish()


def _log(text: bytes, secrets: dict[str, str], megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        history = LocalHistory(Path(directory), "bench")
        flusher = Flusher()
        step = PlannedStep(name="bench", image="")
        log = StepLog(Scribe("bench", history), flusher, Mask(secrets.values()), job="bench", step=step, stop=Stop())
        for piece in _pieces(text, megabytes):
            log.write(Stream.STDOUT, piece)
        log.close()
        flusher.close()
        history.close()


def _job(backend: DockerBackend, image: str, text: bytes, secrets: dict[str, str], megabytes: int) -> None:
    """A job whose only step prints the text so often."""
    print_all = f"i=0; while [ $i -lt {megabytes} ]; do cat text; i=$((i+1)); done"
    step = PlannedStep(name="print", image=image, commands=(print_all,))
    job = PlannedJob(
        name="bench", workflow="bench", file="", workspace_base="/headrace", workspace="/headrace/src", steps=(step,)
    )
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "text").write_bytes(text)
        history = LocalHistory(Path(directory), "bench")
        status = execute(
            job,
            backend,
            Scribe("bench", history),
            ticket=Ticket(run="bench", job="bench"),
            tree=lambda: tar_stream([("text", Path(directory) / "text")]),
            artifacts=DirectoryArtifacts(Path(directory) / "artifacts"),
            secrets=secrets,
        )
        history.close()
    assert status is Status.SUCCESS


def _docker_run(image: str, text: bytes, megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "text").write_bytes(text)
        print_all = f"i=0; while [ $i -lt {megabytes} ]; do cat /w/text; i=$((i+1)); done"
        command = ["docker", "run", "--rm", "--volume", f"{directory}:/w:ro", image, "sh", "-c", print_all]
        with (Path(directory) / "output").open("wb") as output:
            subprocess.run(command, check=True, stdout=output)


def _text(secrets: list[str]) -> bytes:
    """One megabyte of lines like a build's, with one secret in each form that matters."""
    chosen = random.Random(1)  # noqa: S311 - the same text each time
    lines = [
        " ".join(_word(chosen.random(), chosen.randint(2, 12)) for _ in range(chosen.randint(2, 20))).encode()
        for _ in range(20_000)
    ]
    for place, secret in enumerate(secrets):
        data = secret.encode()
        lines[place * 100] = (data, base64.b64encode(b"user:" + data), data.hex().encode())[place % 3]
    return b"\n".join(lines)[: MEGABYTE - 1] + b"\n"


def _word(seed: float, length: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789_/.-"
    return "".join(random.Random(seed).choices(letters, k=length))  # noqa: S311 - no secret to anybody


def _pieces(text: bytes, megabytes: int) -> list[bytes]:
    return [text[start : start + PIECE_BYTES] for start in range(0, len(text), PIECE_BYTES)] * megabytes


def _rate(work: Callable[[], None], options: argparse.Namespace) -> float:
    """Megabytes a second."""
    megabytes: int = options.megabytes
    return statistics.median(megabytes / _seconds(work) for _ in range(options.rounds))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _busybox() -> str:
    command = [sys.executable, str(ROOT / "scripts" / "busybox_image.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
