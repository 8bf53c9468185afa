"""What a builder's messages amount to."""

from runner.engine.builds.buildlog import BuildLog


def test_pieces_become_whole_lines() -> None:
    said: list[str] = []
    log = BuildLog(said.append)
    for text in ("Step 1/2 : FROM a", "\n", "one\ntw", "o\n", "no end"):
        log.take({"stream": text})
    assert said == ["Step 1/2 : FROM a", "one", "two"]
    log.finish()
    assert said[-1] == "no end"


def test_a_line_without_an_end_is_not_held_for_ever() -> None:
    said: list[str] = []
    log = BuildLog(said.append)
    for _ in range(100):
        log.take({"stream": "x" * 4096})
    assert sum(map(len, said)) > 300_000


def test_images_that_were_made_on_the_way_are_known() -> None:
    log = BuildLog(lambda _line: None)
    for message in ({"stream": " ---> 0123456789ab\n"}, {"aux": {"ID": "sha256:ab"}}, {"stream": " ---> xyz\n"}):
        log.take(message)
    assert (log.stages, log.last) == (["sha256:ab"], "0123456789ab")


def test_a_failure_has_its_words_and_its_exit_code() -> None:
    for detail in ({"errorDetail": {"code": 3, "message": "m"}}, {}):
        log = BuildLog(lambda _line: None)
        log.take({"error": "The command 'x\n y' returned a non-zero code: 3", **detail})
        assert (log.error, log.exit_code) == ("The command 'x y' returned a non-zero code: 3", 3)


def test_an_error_without_a_command_has_no_exit_code() -> None:
    log = BuildLog(lambda _line: None)
    log.take({"error": "COPY failed: no such file"})
    assert (log.error, log.exit_code) == ("COPY failed: no such file", None)


def test_layers_under_way_are_not_told_line_by_line() -> None:
    said: list[str] = []
    log = BuildLog(said.append)
    log.take({"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "a"})
    log.take({"status": "Pulling from a"})
    assert said == ["Pulling from a"]
