"""Logs at rest: every line once, any page at once, whatever a crash leaves behind."""

import threading
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.records import Log, Stream
from runner.results.logstore import FRAME_BYTES, LogStore


def log(line: int, *lines: str, step: str = "test", stream: Stream = Stream.STDOUT) -> Log:
    return Log(
        seq=1, time="2026-11-24T03:04:05.678Z", run="r", job="build", step=step, stream=stream, line=line, lines=lines
    )


def texts(store: LogStore, **options: int) -> list[str]:
    return [line.text for line in store.read("build", "test", **options)]


def test_a_line_comes_back_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(log(1, "one"))
    store.append(log(2, "two", stream=Stream.STDERR))
    store.append(msgspec.structs.replace(log(3, "three"), command=4, attempt=2))
    [_, second, third] = store.read("build", "test")
    assert (second.line, second.text, second.stream) == (2, "two", Stream.STDERR)
    assert (second.command, second.attempt) == (None, 1)
    assert (third.command, third.attempt) == (4, 2)
    assert second.time == "2026-11-24T03:04:05.678Z"


def test_what_was_flushed_is_seen_by_another_store(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(log(1, "one"))
    assert texts(LogStore(tmp_path)) == []
    store.flush()
    assert texts(LogStore(tmp_path)) == ["one"]


def test_what_was_appended_is_read_by_the_same_store(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(log(1, "one"))
    assert texts(store) == ["one"]


def test_lines_that_are_sent_again_are_kept_once(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(log(1, "one", "two"))
    store.append(log(1, "one", "two"))
    store.append(log(2, "two", "three"))
    store.flush()
    again = LogStore(tmp_path)
    again.append(log(3, "three"))
    again.append(log(4, "four"))
    assert texts(again) == ["one", "two", "three", "four"]


@given(first=st.integers(1, 60), limit=st.integers(0, 60), sizes=st.lists(st.integers(1, 9), max_size=8))
def test_any_page_is_that_slice_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, first: int, limit: int, sizes: list[int]
) -> None:
    store = LogStore(tmp_path_factory.mktemp("logs"))
    line = 1
    for size in sizes:
        store.append(log(line, *(str(number) for number in range(line, line + size))))
        store.flush()
        line += size
    whole = [str(number) for number in range(1, line)]
    assert texts(store, first_line=first, limit=limit) == whole[first - 1 : first - 1 + limit]
    assert [each.text for each in store.tail("build", "test", limit=limit)] == whole[
        len(whole) - min(limit, len(whole)) :
    ]
    assert store.next_line("build", "test") == line


def test_a_page_of_a_large_log_reads_only_its_frames(tmp_path: Path) -> None:
    """Shown by a first frame that can't be read: only who reads it notices."""
    store = LogStore(tmp_path)
    for line in range(1, 20_001, 100):
        store.append(log(line, *(f"{number:06} {'x' * 93}" for number in range(line, line + 100))))
    store.flush()
    frames = (tmp_path / "build" / "test.index").stat().st_size // 24
    assert frames == pytest.approx(20_000 * 100 / FRAME_BYTES, abs=2)
    with (tmp_path / "build" / "test.log").open("r+b") as file:
        file.write(b"damaged")
    assert texts(store, first_line=15_000, limit=2)[0].startswith("015000 ")
    with pytest.raises(zstandard.ZstdError):
        texts(store, first_line=1, limit=2)


@pytest.mark.parametrize("cut_bytes", [1, 5, 20])
@pytest.mark.parametrize("suffix", ["log", "index"])
def test_a_torn_write_loses_its_frame_and_no_other(tmp_path: Path, suffix: str, cut_bytes: int) -> None:
    store = LogStore(tmp_path)
    store.append(log(1, "one"))
    store.flush()
    store.append(log(2, "two"))
    store.flush()
    file = tmp_path / "build" / f"test.{suffix}"
    file.write_bytes(file.read_bytes()[:-cut_bytes])
    again = LogStore(tmp_path)
    assert texts(again) == ["one"]
    again.append(log(2, "two again"))
    again.flush()
    assert texts(LogStore(tmp_path)) == ["one", "two again"]


def test_a_frame_of_zeros_after_a_power_cut_is_cut_off(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    for line in (1, 2):
        store.append(log(line, str(line)))
        store.flush()
    file = tmp_path / "build" / "test.log"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] + b"\0" * (len(data) - len(data) // 2))
    again = LogStore(tmp_path)
    again.append(log(2, "two"))
    assert texts(again) == ["1", "two"]


@pytest.mark.parametrize(
    "name", ["..", ".", "../../etc/passwd", "/etc/passwd", "a/b", "x" * 300, "", "\0", "ü\ud800", "A"]
)
def test_no_name_leaves_the_directory(tmp_path: Path, name: str) -> None:
    root = tmp_path / "logs"
    store = LogStore(root)
    store.append(log(1, "text", step=name))
    store.flush()
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in made} == {root / "build"}
    assert [line.text for line in store.read("build", name)] == ["text"]


def test_names_that_differ_only_in_case_are_kept_apart(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    for name in ("Test", "test"):
        store.append(log(1, name, step=name))
        store.finish("build", name)
    names = {path.name.lower() for path in (tmp_path / "build").iterdir()}
    assert len(names) == 4
    assert [line.text for line in store.read("build", "Test")] == ["Test"]


def test_many_threads_may_append_and_read(tmp_path: Path) -> None:
    store = LogStore(tmp_path)

    def write(step: str) -> None:
        for line in range(1, 101):
            store.append(log(line, str(line), step=step))
            assert len(store.read("build", step)) >= line

    threads = [threading.Thread(target=write, args=(f"step-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert [line.line for line in store.lines("build", f"step-{number}")] == list(range(1, 101))


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert LogStore(tmp_path / "none").read("build", "test") == []
    assert LogStore(tmp_path / "none").next_line("build", "test") == 1
