"""Fuzzes the language: whatever is written, the answer is a plan or problems, within a second.

    python -m venv fuzz && fuzz/bin/pip install atheris lark msgspec PyYAML
    fuzz/bin/python bench/fuzz_language.py [TARGET]... [--seconds 120]

Each target gets its share of the time in a process of its own, which starts from the golden and example workflows and
is led by what the code covers. An input that crashes or hangs is kept as a file in the working directory, and the
exit code is 1.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["pipelines", "runner.graphs"]):
    from pipelines import globs
    from pipelines.event import Event, EventKind, PullRequest, Repository
    from pipelines.expressions.errors import ExpressionError
    from pipelines.expressions.expression import read
    from pipelines.habits import bad_habits
    from pipelines.plan import decode, encode
    from pipelines.planner import make_plan
    from pipelines.substitution.substitute import substitute
    from pipelines.substitution.templates import TemplateError
    from pipelines.validate import read_workflow
    from runner.graphs import dot, mermaid

_REPOSITORY = Repository(owner="acme", name="mill", forge="git.example.org", default_branch="main")
_EVENTS = (
    Event(repository=_REPOSITORY, ref="refs/heads/main", branch="main", sha="0" * 40, changed_files=("src/a.py",)),
    Event(kind=EventKind.TAG, repository=_REPOSITORY, ref="refs/tags/v1", message="${CI_REPO} [skip ci]\n- a: b"),
    Event(kind=EventKind.PULL_REQUEST, branch="main", pull_request=PullRequest(number=1, source_branch="x")),
)
_VARIABLES = {
    "CI_COMMIT_BRANCH": "main",
    "CI_PIPELINE_FILES": '["docs/a.md","src/b.py"]',
    "CI_REPO": "acme/mill",
    "E": "",
}


def _document(data: bytes) -> None:
    place = ".woodpecker" if data[:1] < b"@" else ".headrace"
    plan = make_plan({f"{place}/a.yaml": data[1:]}, _EVENTS[len(data) % len(_EVENTS)])
    assert decode(encode(plan)) == plan
    assert mermaid(plan)
    assert dot(plan)
    reading = read_workflow(data[1:], f"{place}/a.yaml")
    if reading.workflow:
        bad_habits(reading.workflow, data[1:])


def _expression(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with suppress(ExpressionError):
        read(text).holds(_VARIABLES)


def _substitution(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for in_shell in (False, True):
        try:
            substitute(text, _VARIABLES, in_shell=in_shell)
        except TemplateError:
            continue


def _glob(data: bytes) -> None:
    pattern, _, text = data.decode("utf-8", "replace").partition("\n")
    matched = globs.matches(pattern, text)
    assert not (matched and globs.glob(pattern).complaint), "what is no pattern matches nothing"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "document": _document,
    "expression": _expression,
    "substitution": _substitution,
    "glob": _glob,
}
_WORDS = {
    "expression": [
        "&&",
        "||",
        "==",
        "matches",
        "startsWith",
        "in",
        "not ",
        "fromJSON(",
        "any(",
        "{#",
        "$env",
        "len(",
        "?:",
    ],
    "substitution": ["${", "}", ":-", "##", "%%", "//", "^^", ",,", "$$", "CI_REPO", "${#", "\\\\/"],
    "glob": ["**", "/", "{", ",", "}", "[!", "]", "\\\\", "?", "*", "-"],
}
_PIECES = {
    "expression": re.compile(r"evaluate: ('[^']*'|\"[^\"]*\")"),
    "substitution": re.compile(r"(\$\{.*\})"),
    "glob": re.compile(r"(?:branch|include|path|exclude): \"?([^\"}\]]*)"),
}


def main() -> int:
    """Fuzz each target for its share of the time, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if options.in_process:
        _fuzz(names[0], options.seconds)
    share = str(max(1, options.seconds // len(names)))
    commands = ([sys.executable, __file__, name, "--seconds", share, "--in-process"] for name in names)
    codes = [subprocess.run(command, check=False).returncode for command in commands]
    return 1 if any(codes) else 0


def _fuzz(name: str, seconds: int) -> None:
    """Fuzz one target; libFuzzer ends the process."""
    with tempfile.TemporaryDirectory() as directory:
        corpus = Path(directory) / "corpus"
        corpus.mkdir()
        for number, text in enumerate(_seeds(name)):
            (corpus / str(number)).write_text(text)
        words = Path(directory) / "words"
        words.write_text("".join(f'"{word}"\n' for word in _words(name)))
        flags = [f"-max_total_time={seconds}", "-timeout=1", "-max_len=8192", "-rss_limit_mb=2048", f"-dict={words}"]
        print(f"{name}: {seconds} s", flush=True)
        atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={name}-", str(corpus)], TARGETS[name])
        atheris.Fuzz()


def _seeds(name: str) -> Iterator[str]:
    for path in sorted([*ROOT.glob("tests/golden/*.yaml"), *ROOT.glob("pipelines/examples/**/*.yaml")]):
        text = path.read_text()
        if name == "document":
            yield f"a{text}"
        else:
            yield from (piece.strip("'\"") for piece in _PIECES[name].findall(text))


def _words(name: str) -> list[str]:
    """What the fuzzer puts in beside random bytes: of documents, every key that the seeds have."""
    if name in _WORDS:
        return _WORDS[name]
    keys = {key for text in _seeds(name) for key in re.findall(r"[a-z_]+: ", text)}
    return [*sorted(keys), "<<: *", "&a ", "- ", "${", "}", "from_secret: "]


if __name__ == "__main__":
    sys.exit(main())
