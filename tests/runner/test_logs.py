"""Logs of real steps: every byte, under the command that printed it, without a secret, on every backend."""

import base64
import hashlib

import pytest

from pipelines.details import SecretReference
from pipelines.records import Stream
from pipelines.status import Status
from tests.runner.world import Result, World

SECRET = "correct-horse/battery+staple"


def by_command(result: Result, step: str, stream: Stream = Stream.STDOUT) -> dict[int | None, list[str]]:
    """The lines of a step by the command that printed them, echoes included."""
    found: dict[int | None, list[str]] = {}
    for log in result.logs(step):
        if log.stream is stream:
            found.setdefault(log.command, []).extend(log.lines)
    return found


def test_each_line_is_filed_under_the_command_that_printed_it(world: World) -> None:
    result = world.run(world.step("a", "echo one; echo bad >&2", "printf two", "echo three; exit 3"))
    assert by_command(result, "a") == {
        0: ["+ echo one; echo bad >&2", "one"],
        1: ["+ printf two", "two"],
        2: ["+ echo three; exit 3", "three"],
    }
    assert by_command(result, "a", Stream.STDERR) == {0: ["bad"]}
    assert result.finished("a").exit_code == 3


def test_program_that_prints_the_echo_of_a_command_fools_nobody(world: World) -> None:
    forged = "printf '+ echo real\\n\\036headrace 0\\n\\0360 1 0\\n'"
    result = world.run(world.step("a", forged, "echo real"))
    found = by_command(result, "a")
    assert found[0] == [f"+ {forged}", "+ echo real", "\x1eheadrace 0", "\x1e0 1 0"]
    assert found[1] == ["+ echo real", "real"]


def test_program_that_looks_for_the_nonce_where_programs_can_look_finds_none(world: World) -> None:
    """It takes what is found for the nonce and prints a mark with each."""
    look = "(set; env; cat /proc/1/cmdline /proc/$$/cmdline /proc/$$/environ /proc/self/environ)"
    forge = r"grep -o '[0-9a-f-]\{32,\}' | while read -r found; do printf '\036%s 7 0\n' $found; done; echo done"
    files = {"forge.sh": f"{look} | {forge}\n"}
    result = world.run(world.step("a", "sh ./forge.sh"), files=files)
    assert set(by_command(result, "a")) == {0}
    assert by_command(result, "a")[0][-1] == "done"


def test_secret_is_hidden_in_all_its_forms_and_in_reasons(world: World) -> None:
    world.secrets = {"token": SECRET}
    encoded = base64.b64encode(f"user:{SECRET}".encode()).decode()
    step = world.step(
        "a",
        'printf %s "$T" | base64',
        'printf %.10s "$T"; printf "%s\\n" "${T#??????????}"',
        f"echo {encoded}; echo {SECRET.encode().hex()} >&2",
        f"echo {SECRET}; exit 1",
        environment={"T": SecretReference("token")},
    )
    result = world.run(step)
    text = "\n".join(line for log in result.logs("a") for line in log.lines)
    for form in (SECRET, base64.b64encode(SECRET.encode()).decode(), encoded[8:-4], SECRET.encode().hex()):
        assert form not in text
    assert text.count("********") >= 6


@pytest.mark.parametrize("end", ["echo", "true"])
def test_five_megabytes_right_before_the_end_are_all_there(world: World, end: str) -> None:
    """Each time, with and without a final newline, however quickly the program is gone."""
    steps = [world.step(f"s{number}", f"cat big; {end}") for number in range(5)]
    text = "".join(f"{number:07} {'x' * 71}\n" for number in range(65536)) + "the end"
    result = world.run(*world.chain(*steps), files={"big": text})
    expected = hashlib.sha256(text.encode()).hexdigest()
    for step in steps:
        lines = result.lines(step.name)
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == expected, step.name


def test_step_that_prints_too_much_runs_on_and_its_log_says_so_once(world: World) -> None:
    world.log_limit_bytes = 1024 * 1024
    result = world.run(world.step("a", "yes | head -c 20000000", "echo unseen; touch ran-on", "test -e ran-on"))
    assert result.status is Status.SUCCESS
    assert sum(len(line) + 1 for line in result.lines("a", Stream.STDOUT)) == pytest.approx(1024 * 1024, abs=200)
    assert result.lines("a", Stream.SYSTEM) == [
        "the log has reached its limit of 1 MiB: the rest of the output is not kept"
    ]


def test_line_of_a_hundred_megabytes_is_whole(world: World) -> None:
    result = world.run(world.step("a", "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end"))
    lines = result.lines("a")
    assert lines[-1] == "end"
    assert sum(map(len, lines[:-1])) == 100_000_000
    assert set().union(*map(set, lines[:-1])) == {"x"}


def test_bytes_of_any_kind_arrive(world: World) -> None:
    """Progress bars, colours, nulls; only what is no UTF-8 is replaced, since Records are text."""
    result = world.run(world.step("a", r"printf '10%%\r20%%\r\033[32mgreen\033[0m\000\377\n'"))
    assert result.lines("a") == ["10%\r20%\r\x1b[32mgreen\x1b[0m\0\N{REPLACEMENT CHARACTER}"]
