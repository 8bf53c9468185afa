"""A step's commands as one POSIX shell script, and as the arguments of the shell that runs it.

The script travels as an argument: standard input stays the author's, no file must be written into the image, and it
costs no engine call. Linux takes at most 128 KiB in one argument, so a longer script goes in several.
"""

import base64
import shlex

_LONGEST_ARGUMENT = 120 * 1024  # bytes; the kernel's limit is 128 KiB with the closing null


def script(commands: tuple[str, ...], directory: str) -> str:
    """A script for `sh -e` that makes and enters `directory`, then echoes each command as `+ command` and runs it.

    A command may have many lines, and may open an `if` or a loop that a later one closes: it is one script, so the
    echo of a command inside shows only if the shell gets there.
    """
    place = shlex.quote(directory)
    enter = f"[ -d {place} ] || mkdir -p {place}\ncd {place}"
    return "\n".join([enter, *(_echoed(command) for command in commands)]) + "\n"


def echo_line(command: str) -> str:
    """The first line that the script prints before it runs `command`."""
    return "+ " + command.split("\n", 1)[0]


def shell_arguments(text: str) -> tuple[str, ...]:
    """The program and arguments that run this script, each argument short enough for the kernel."""
    if len(text.encode()) <= _LONGEST_ARGUMENT:
        return ("/bin/sh", "-e", "-c", text)
    pieces = _pieces(text)
    # `eval` keeps -e and the shell's state; `set --` goes first, so that the script sees no arguments of ours.
    references = "".join(f"${{{number}}}" for number in range(1, len(pieces) + 1))
    return ("/bin/sh", "-e", "-c", f'eval "set --\n{references}"', "/bin/sh", *pieces)


def base64_script(text: str) -> str:
    """The script as `$CI_SCRIPT` holds it for a step that brings its own entry point."""
    return base64.b64encode(text.encode()).decode()


def _echoed(command: str) -> str:
    return f"printf '%s\\n' {shlex.quote('+ ' + command)}\n{command}"


def _pieces(text: str) -> list[str]:
    """The text cut so that each piece is at most `_LONGEST_ARGUMENT` bytes, between characters."""
    characters = _LONGEST_ARGUMENT // 4  # UTF-8 takes at most four bytes a character
    return [text[start : start + characters] for start in range(0, len(text), characters)]
