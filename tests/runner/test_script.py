"""The script of a step, run by real shells: what it prints, and that nobody else can print its marks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.records import Stream
from runner.results.marks import Mark, MarkReader
from runner.script import is_posix, plain_script, program, script, shell_arguments

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


@pytest.fixture(params=[name for name, program in SHELLS.items() if shutil.which(program[0])])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Each shell of this machine in turn."""
    return SHELLS[request.param]


class Ran:
    """A script that has run, its output read as a step's is."""

    def __init__(self, shell: list[str], directory: Path, *commands: str) -> None:
        arguments = shell_arguments(script(commands, str(directory)))[1:]
        done = subprocess.run([*shell, *arguments], check=False, capture_output=True, stdin=subprocess.DEVNULL)
        self.exit_code = done.returncode
        self.raw = done.stdout
        self._reader = MarkReader(is_expected=True)
        read = [*self._reader.read(Stream.STDOUT, done.stdout), *self._reader.read(Stream.STDERR, done.stderr)]
        self.stdout = [piece for stream, piece in read if stream is Stream.STDOUT]
        self.stderr = [piece for stream, piece in read if stream is Stream.STDERR]
        [self.nonce] = re.findall(rb"\A\x1eheadrace ([0-9a-f-]{32,})\n", done.stdout)


def test_each_command_is_marked_on_both_outputs_and_echoed(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "echo out; echo err >&2", "false || true")
    assert ran.stdout == [Mark(0, 0), b"+ echo out; echo err >&2\nout\n", Mark(1, 0), b"+ false || true\n"]
    assert ran.stderr == [Mark(0, 0), b"err\n", Mark(1, 0)]


def test_a_mark_tells_how_the_command_before_ended(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "set +e", "sh -c 'exit 3'", "true", "exit 4")
    assert [each for each in ran.stderr if isinstance(each, Mark)] == [Mark(0, 0), Mark(1, 0), Mark(2, 3), Mark(3, 0)]
    assert ran.exit_code == 4


def test_a_command_that_fails_is_the_last(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "true", "false", "echo not reached")
    assert ran.stderr == [Mark(0, 0), Mark(1, 0)]
    assert ran.exit_code == 1


def test_commands_of_a_loop_are_marked_each_time(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "for word in a b; do", "printf $word", "done")
    assert [each.command for each in ran.stderr if isinstance(each, Mark)] == [0, 1, 2, 1, 2]
    assert b"+ printf $word\na" in ran.stdout


def test_tracing_shows_nothing_of_ours(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "set -x", "echo 1", "echo 2")
    errors = b"".join(each for each in ran.stderr if isinstance(each, bytes))
    assert [line for line in errors.splitlines() if b"echo" not in line] == []
    assert ran.nonce not in errors


def test_programs_do_not_get_to_know_the_nonce(shell: list[str], tmp_path: Path) -> None:
    """Not by their environment, nor by the arguments of any process, nor by their open files."""
    look = "env; cat /proc/$$/cmdline /proc/$$/environ /proc/self/environ; ls -l /proc/self/fd; set"
    ran = Ran(shell, tmp_path, f"sh -c '{look}'", f"(exec sh -c '{look}')", "set -a; sh -c env")
    shown = b"".join(each for each in ran.stdout if isinstance(each, bytes))
    assert ran.nonce not in shown
    assert ran.raw.count(ran.nonce) == 1 + 3  # the announcement and the marks


def test_each_step_draws_a_nonce_of_its_own(shell: list[str], tmp_path: Path) -> None:
    assert Ran(shell, tmp_path, "true").nonce != Ran(shell, tmp_path, "true").nonce


def test_commands_may_close_or_redirect_the_error_output(shell: list[str], tmp_path: Path) -> None:
    """While it is closed there is nowhere to mark it, so that the commands count as one."""
    ran = Ran(shell, tmp_path, "exec 2>&-", "echo closed", "exec 2>&1", "echo joined >&2")
    assert ran.exit_code == 0
    mark = Mark(3, 0)  # twice: both outputs are one by now
    assert ran.stdout[-4:] == [b"+ exec 2>&-\nclosed\n", mark, mark, b"+ echo joined >&2\njoined\n"]


def test_a_command_is_echoed_as_it_stands_whatever_it_holds(shell: list[str], tmp_path: Path) -> None:
    command = ": 'it''s' \"$HOME\" `id` \\n %s"
    assert Ran(shell, tmp_path, command).stdout == [Mark(0, 0), f"+ {command}\n".encode()]


def test_commands_keep_their_own_arguments_and_file_descriptors(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, "set -- a b; exec 9>nine", 'echo "$*"', "echo nine >&9; exec 9>&-", "cat nine")
    assert b'+ echo "$*"\na b\n' in ran.stdout
    assert ran.stdout[-1] == b"+ cat nine\nnine\n"


def test_a_script_too_long_for_one_argument_runs_all_the_same(shell: list[str], tmp_path: Path) -> None:
    ran = Ran(shell, tmp_path, *(f": {'x' * 1000}" for _ in range(300)), "echo $#")
    assert ran.stdout[-1] == b"+ echo $#\n0\n"
    assert [each.command for each in ran.stderr if isinstance(each, Mark)] == list(range(301))


def test_the_plain_script_echoes_and_has_no_marks(shell: list[str], tmp_path: Path) -> None:
    text = plain_script(("echo a", "echo b"), str(tmp_path / "made"))
    done = subprocess.run([*shell, "-e", "-c", text], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"+ echo a\na\n+ echo b\nb\n", b"")
    assert (tmp_path / "made").is_dir()


@pytest.mark.parametrize(
    ("shell", "understands_ours"),
    [
        ((), True),
        (("sh",), True),
        (("/bin/bash", "-o", "pipefail"), True),
        (("busybox", "sh"), True),
        (("busybox", "awk"), False),
        (("python3", "-"), False),
        (("fish",), False),
        (("pwsh",), False),
    ],
)
def test_shells_that_speak_posix_are_known(shell: tuple[str, ...], understands_ours: bool) -> None:  # noqa: FBT001
    assert is_posix(shell) == understands_ours


def ran_by(shell: tuple[str, ...], directory: Path, *commands: str) -> tuple[int, list[bytes | Mark], bytes]:
    """The exit code of commands that this program reads, what it printed, marks taken out, and its errors."""
    arguments = program(commands, str(directory), shell)
    done = subprocess.run(arguments, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    reader = MarkReader(is_expected=True)
    read = [*reader.read(Stream.STDOUT, done.stdout), *reader.read(Stream.STDERR, done.stderr)]
    errors = b"".join(piece for stream, piece in read if stream is Stream.STDERR and isinstance(piece, bytes))
    return done.returncode, [piece for stream, piece in read if stream is Stream.STDOUT], errors


def test_another_posix_shell_takes_the_place_of_sh(tmp_path: Path) -> None:
    """With options of its own, and words that only it knows."""
    code, printed, _ = ran_by(("bash", "-o", "pipefail"), tmp_path, "words=(a b); echo ${words[1]}", "false | true")
    assert code == 1
    assert [each for each in printed if isinstance(each, Mark)] == [Mark(0, 0), Mark(1, 0)]
    assert printed[1] == b"+ words=(a b); echo ${words[1]}\nb\n"


def test_another_interpreter_reads_all_commands_as_one_program(tmp_path: Path) -> None:
    commands = ("import sys", "for word in ('a', 'b'):\n    print(word, flush=True)", "print(6 * 7, '$HOME')")
    code, printed, errors = ran_by(("python3", "-"), tmp_path, *commands, "sys.exit(3)")
    assert (code, errors) == (3, b"")
    text = "\n".join((*commands, "sys.exit(3)"))
    assert printed == [Mark(0, 0), f"+ {text}\na\nb\n42 $HOME\n".encode()]


def test_an_interpreter_has_the_process_to_itself(tmp_path: Path) -> None:
    """So it gets the signals, and nobody waits for it in between."""
    code, printed, _ = ran_by(("python3", "-"), tmp_path, "import os; print(os.getcwd()); os.kill(os.getpid(), 15)")
    assert code == -15
    assert printed[0] == Mark(0, 0)


@pytest.mark.parametrize("length", [10, 5_000, 70_000, 300_000])
def test_a_program_reaches_its_interpreter_byte_for_byte(tmp_path: Path, length: int) -> None:
    text = "$HOME \\ 'quoted' \"twice\" `no` €" + "x" * length
    _, printed, _ = ran_by(("cat",), tmp_path, text, "HEADRACE_", "last")
    program_text = f"{text}\nHEADRACE_\nlast\n".encode()
    assert b"".join(each for each in printed if isinstance(each, bytes)) == b"+ " + program_text + program_text


def test_an_interpreter_that_is_not_there_is_a_command_that_was_not_found(tmp_path: Path) -> None:
    code, _, errors = ran_by(("no-such-program",), tmp_path, "1")
    assert code == 127
    assert b"not found" in errors
