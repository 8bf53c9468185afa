"""What reaches a terminal of what authors have written."""

import io
import logging
from collections.abc import Callable

import pytest

from runner.cli import main
from runner.logging import log_to_console
from runner.saying import say, say_table, say_text, tell, tell_text
from runner.visible import plain

EVIL = "a\x1b[2J\x1b]0;t\x07\x9b31m\u202eb\u2066\r\n\u2028\x7f"
SHOWN = r"a\x1b[2J\x1b]0;t\x07\x9b31m\u202eb\u2066\r\n\u2028\x7f"


def test_what_an_author_writes_is_shown_and_never_obeyed() -> None:
    assert plain(EVIL) == SHOWN


@pytest.mark.parametrize("text", ["naïve 日本語\u3000", "👩‍🚀 ship it ❤️", "می‌خواهم", "עברית", "\xa0"])
def test_what_a_terminal_only_shows_stays(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize("write", [say, tell, say_text, tell_text, lambda text: say_table([(text, "cell")])])
def test_nothing_that_commands_say_steers_a_terminal(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(EVIL.replace("\n", ""))
    written = "".join(capsys.readouterr())
    assert written.removesuffix("\n").isprintable()
    assert written.startswith(SHOWN.replace(r"\n", ""))


def test_columns_of_a_table_are_as_wide_as_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    say_table([("\x1b", "x"), ("long", "y")])
    assert capsys.readouterr().out == "\\x1b  x\nlong  y\n"


@pytest.mark.parametrize(
    "arguments", [["lint", "no\x1b]0;x\x07.yaml"], ["no\x1b]0;x\x07"], ["runs", "--status", "\x1b[2J"]]
)
def test_errors_of_commands_steer_no_terminal_either(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    written = capsys.readouterr().err
    assert r"\x1b" in written
    assert written.replace("\n", "").isprintable()


@pytest.mark.usefixtures("own_logging")
def test_the_log_of_a_command_steers_no_terminal() -> None:
    stream = io.StringIO()
    log_to_console(stream=stream)
    logging.getLogger("runner").error("it broke", extra={"step": EVIL})
    assert stream.getvalue() == f"ERROR: it broke step={SHOWN}\n"
