"""A step's commands as one POSIX shell script, and as the arguments of the shell that runs it.

The script travels as an argument: standard input stays the author's, no file must be written into the image, and it
costs no engine call. Linux takes at most 128 KiB in one argument, so a longer script goes in several.

The author may name another shell. One that speaks POSIX takes the place of `/bin/sh`. Any other interpreter can't be
asked to mark or echo anything, so its commands are one program, counted as one command, which `/bin/sh` shows and then
becomes: the interpreter has the step's process, signals and exit code to itself, and reads the program from its
standard input.

DESIGN. Before each command the script prints `+ command`, for people, and a mark, for us, on both outputs: a line of a
control character, a nonce, the command's index and the exit code of what ran before. `runner/results/marks.py` takes
the marks out again. The shell draws the nonce anew in each step and tells it in the first line of all: nobody else
has printed anything by then. It is in no argument, environment or file, and `set -x` doesn't show it, so a program
can't print a mark, by accident or design. It isn't proof against a process that searches the shell's memory as the
same user, nor against commands that ask their own shell: they can only lie about themselves.
"""

import base64
import hashlib
import shlex

RECORD_SEPARATOR = "\036"

_SHELL = ("/bin/sh",)
_POSIX_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "mksh", "sh", "zsh"})
_LONGEST_ARGUMENT = 120 * 1024  # bytes; the kernel's limit is 128 KiB with the closing null

# Most shells read byte by byte, and this file ends after each read: so one digit a time. bash gets all at once.
_PREAMBLE = r"""_headrace_nonce=
while [ ${#_headrace_nonce} -lt 32 ]; do
  _headrace_digits=
  read -r _headrace_digits </proc/sys/kernel/random/uuid || [ "$_headrace_digits" ] || break
  _headrace_nonce=$_headrace_nonce$_headrace_digits
done 2>/dev/null
[ ${#_headrace_nonce} -ge 32 ] || _headrace_nonce=
printf '\036headrace %s\n' "$_headrace_nonce"
_headrace_mark() {
  if [ "$_headrace_nonce" ]; then
    printf '\036%s %s %s\n' "$_headrace_nonce" "$1" "$2"
    printf '\036%s %s %s\n' "$_headrace_nonce" "$1" "$2" >&9
  fi
  printf '%s\n' "$3"
}
"""


def program(commands: tuple[str, ...], directory: str, shell: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The program and its arguments that run a step's commands in `directory`, each short enough for the kernel.

    `shell` is what reads them: a POSIX shell or another interpreter, with its options; `/bin/sh` if it is empty.
    """
    if is_posix(shell):
        return shell_arguments(script(commands, directory), shell or _SHELL)
    return shell_arguments(_PREAMBLE + _in_directory(directory, [_read_by(shell, commands)]))


def is_posix(shell: tuple[str, ...]) -> bool:
    """True for shells that understand our own script, so that each command is shown and told apart."""
    name, *rest = (shell[0].rpartition("/")[2], *shell[1:]) if shell else ("sh",)
    return name in _POSIX_SHELLS or (name == "busybox" and rest[:1] in (["sh"], ["ash"]))


def script(commands: tuple[str, ...], directory: str) -> str:
    """A script for `sh -e` that makes and enters `directory`, then marks and echoes each command and runs it.

    A command may have many lines, and may open an `if` or a loop that a later one closes: it is one script, so the
    echo of a command inside shows only if the shell gets there, and in a loop each time.
    """
    return _PREAMBLE + _in_directory(directory, [_marked(*each) for each in enumerate(commands)])


def plain_script(commands: tuple[str, ...], directory: str) -> str:
    """The same without marks, for an entry point that brings its own shell."""
    return _in_directory(directory, [_echoed(command) for command in commands])


def shell_arguments(text: str, shell: tuple[str, ...] = _SHELL) -> tuple[str, ...]:
    """The program and arguments that run this script, each argument short enough for the kernel."""
    if len(text.encode()) <= _LONGEST_ARGUMENT:
        return (*shell, "-e", "-c", text)
    pieces = _pieces(text)
    # `eval` keeps -e and the shell's state; `set --` goes first, so that the script sees no arguments of ours.
    references = "".join(f"${{{number}}}" for number in range(1, len(pieces) + 1))
    return (*shell, "-e", "-c", f'eval "set --\n{references}"', shell[0], *pieces)


def base64_script(text: str) -> str:
    """The script as `$CI_SCRIPT` holds it for a step that brings its own entry point."""
    return base64.b64encode(text.encode()).decode()


def _in_directory(directory: str, commands: list[str]) -> str:
    place = shlex.quote(directory)
    return "\n".join([f"[ -d {place} ] || mkdir -p {place}", f"cd {place}", *commands]) + "\n"


def _marked(index: int, command: str) -> str:
    return f"{_mark(index, command)}\n{command}"


def _mark(index: int, shown: str) -> str:
    # What `set -x` prints of this goes to /dev/null; the step's own error output is 9 meanwhile.
    return f"{{ _headrace_mark {index} $? {shlex.quote('+ ' + shown)}; }} 9>&2 2>/dev/null || :"


def _read_by(interpreter: tuple[str, ...], commands: tuple[str, ...]) -> str:
    """The commands as one program, which is shown, and read by an interpreter that takes our place."""
    text = "\n".join(commands)
    end = f"HEADRACE_{hashlib.sha256(text.encode()).hexdigest()[:32]}"  # no line of a text is made of its own hash
    return f"{_mark(0, text)}\nexec {shlex.join(interpreter)} <<'{end}'\n{text}\n{end}"


def _echoed(command: str) -> str:
    return f"printf '%s\\n' {shlex.quote('+ ' + command)}\n{command}"


def _pieces(text: str) -> list[str]:
    """The text cut so that each piece is at most `_LONGEST_ARGUMENT` bytes, between characters."""
    characters = _LONGEST_ARGUMENT // 4  # UTF-8 takes at most four bytes a character
    return [text[start : start + characters] for start in range(0, len(text), characters)]
