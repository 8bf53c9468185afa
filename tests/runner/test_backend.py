"""What runner/backend.py promises, promise by promise, of every backend: asked of its Sites, with no executor between.

The sentences that the docstrings there say are the names of these tests; `nothing is left` is counted in the engine.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Beside, Outcome, Output, Site, Ticket
from runner.engine.containers import DockerBackend
from runner.engine.ownership import PROCESS, RUN, this_process
from runner.errors import BackendError, ImageError, SourceError
from runner.results.marks import MarkReader
from runner.results.outputs import LARGEST_BYTES, output_path
from runner.source.tarstream import tar_stream
from runner.stop import Stop
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import World
from tests.waiting import wait_until

NOWHERE = "missing/image:1"
FOREVER = "while :; do sleep 0.1; done"


class Heard:
    """What a step printed. That it is told from one thread at a time is looked at meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.parts: list[tuple[Stream, bytes]] = []

    def __call__(self, stream: Stream, data: bytes) -> None:
        assert self._lock.acquire(blocking=False), "two at a time"
        self.parts.append((stream, data))
        self._lock.release()

    def text(self, stream: Stream) -> str:
        """All of one stream, without the echoed commands and the marks that the step's script sets between them."""
        marks = MarkReader(is_expected=True)
        read = [each for part in self.parts for each in marks.read(*part)] + list(marks.finish())
        printed = b"".join(data for each, data in read if each is stream and isinstance(data, bytes)).decode()
        return "\n".join(line for line in printed.splitlines() if not line.startswith("+ "))


def ignored(_stream: Stream, _data: bytes) -> None:
    """An Output for what nobody reads."""


@contextmanager
def site(
    world: World, *steps: PlannedStep, files: dict[str, str] | None = None, run: str = "contract"
) -> Iterator[Site]:
    """A site for these steps, in the making."""

    def tree() -> Iterator[bytes]:
        return tar_stream(world._source(files or {}))

    with closing(world.backend.open(world.job(*steps), Ticket(run=run, job="build"), tree, Stop())) as opened:
        yield opened


def released(
    opened: Site,
    step: PlannedStep,
    *,
    output: Output = ignored,
    stop: Stop | None = None,
    late: str = "",
    environment: dict[str, str] | None = None,
) -> Outcome:
    """Make a step ready in the first lane and release it."""
    readied = opened.ready(step, {"WORD": "early", **(environment or {})}, 0)
    return readied.release({"WORD": late} if late else {}, output, stop or Stop())


def things_left(world: World, run: str) -> int:
    """What there still is of a run."""
    if isinstance(world.backend, ScriptedBackend):
        return world.backend.open_sites + len(world.backend.held)
    assert isinstance(world.backend, DockerBackend)
    engine, label = world.backend.engine, f"{RUN}={run}"
    found = [*engine.containers(label), *engine.networks(label), *engine.volumes(label)]
    return sum(each.labels[PROCESS] == this_process().process for each in found)


def test_steps_may_be_made_ready_at_once_and_run_after_the_opening(world: World) -> None:
    step = world.step("a", "cat file")
    heard = Heard()
    with site(world, step, files={"file": "text\n"}) as opened:
        readied = opened.ready(step, {}, 0)
        opened.wait_until_open()
        outcome = readied.release({}, heard, Stop())
    assert (outcome.status, outcome.exit_code, outcome.reason) == (Status.SUCCESS, 0, "")
    assert heard.text(Stream.STDOUT) == "text"


def test_lanes_are_how_many_steps_run_at_once(world: World) -> None:
    meet = "touch {0}; until [ -e {1} ]; do sleep 0.02; done"
    steps = [world.step("a", meet.format("a", "b"), timeout=60), world.step("b", meet.format("b", "a"), timeout=60)]
    outcomes: list[Outcome] = []
    with site(world, *steps) as opened:
        assert opened.lanes >= 2
        opened.wait_until_open()
        readied = [opened.ready(step, {}, lane) for lane, step in enumerate(steps)]
        threads = [
            threading.Thread(target=lambda each=each: outcomes.append(each.release({}, ignored, Stop())))
            for each in readied
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [outcome.status for outcome in outcomes] == [Status.SUCCESS] * 2


def test_all_output_has_been_given_on_return_in_order_from_one_thread_at_a_time(world: World) -> None:
    step = world.step("a", "for i in $(seq 2000); do echo out $i; echo err $i >&2; done")
    heard = Heard()
    with site(world, step) as opened:
        opened.wait_until_open()
        released(opened, step, output=heard)
    for stream, word in ((Stream.STDOUT, "out"), (Stream.STDERR, "err")):
        assert heard.text(stream).splitlines() == [f"{word} {number}" for number in range(1, 2001)]


def test_late_variables_win(world: World) -> None:
    step = world.step("a", "echo $WORD")
    heard = Heard()
    with site(world, step) as opened:
        opened.wait_until_open()
        released(opened, step, output=heard, late="late")
    assert heard.text(Stream.STDOUT) == "late"


def test_a_step_that_fails_is_an_outcome_and_no_exception(world: World) -> None:
    step = world.step("a", "exit 7")
    with site(world, step) as opened:
        opened.wait_until_open()
        outcome = released(opened, step)
    assert (outcome.status, outcome.exit_code) == (Status.FAILURE, 7)
    assert outcome.reason.startswith("exit code 7")


@pytest.mark.parametrize("moment", ["before the start", "while it runs"])
def test_an_outcome_that_a_stop_brought_about_has_its_status_and_reason(world: World, moment: str) -> None:
    step, stop = world.step("a", f"echo up; {FOREVER}"), Stop()

    def ask_once_up(_stream: Stream, data: bytes) -> None:
        if data.startswith(b"up") or b"\nup" in data:
            threading.Thread(target=stop.request, args=(Status.TIMED_OUT, "late")).start()

    with site(world, step) as opened:
        opened.wait_until_open()
        if moment == "before the start":
            stop.request(Status.TIMED_OUT, "late")
        outcome = released(opened, step, output=ask_once_up, stop=stop)
    assert (outcome.status, outcome.reason, outcome.exit_code) == (Status.TIMED_OUT, "late", None)


def test_what_stands_in_the_way_of_a_step_is_told_by_its_release_alone(world: World) -> None:
    step = world.step("a", "true", image=NOWHERE)
    with site(world, step) as opened:
        opened.wait_until_open()
        readied = opened.ready(step, {}, 0)
        with pytest.raises(ImageError, match=f"image {NOWHERE}: not "):
            readied.release({}, ignored, Stop())


def test_a_discard_removes_raises_nothing_and_may_be_called_again(world: World) -> None:
    steps = [world.step("a", "true"), world.step("b", "true", image=NOWHERE)]
    with site(world, *steps) as opened:
        opened.wait_until_open()
        for step in steps:
            readied = opened.ready(step, {}, 0)
            readied.discard()
            readied.discard()
    assert things_left(world, "contract") == 0


def test_after_a_release_there_is_nothing_left_to_discard(world: World) -> None:
    step = world.step("a", "true")
    with site(world, step) as opened:
        opened.wait_until_open()
        readied = opened.ready(step, {}, 0)
        assert readied.release({}, ignored, Stop()).status is Status.SUCCESS
        readied.discard()


def test_a_tree_that_can_not_be_read_is_told_by_the_wait_for_the_opening(world: World) -> None:
    def tree() -> Iterator[bytes]:
        if world.image:
            raise SourceError("no such commit")
        yield b""

    job = world.job(world.step("a", "true"))
    opened = world.backend.open(job, Ticket(run="treeless", job="build"), tree, Stop())
    with closing(opened), pytest.raises(SourceError, match="no such commit"):
        opened.wait_until_open()
    assert things_left(world, "treeless") == 0


def served(
    world: World, service: PlannedStep, *, until: Callable[[Stop, threading.Event], None]
) -> tuple[Outcome | BackendError, int]:
    """How a service ends of which something becomes, and how often it told that it had started."""
    stop, is_up, times, ends = Stop(), threading.Event(), [0], list[Outcome | BackendError]()

    def started() -> None:
        times[0] += 1
        is_up.set()

    def serve() -> None:
        try:
            ends.append(opened.serve(service, {}, ignored, stop, started))
        except BackendError as error:
            ends.append(error)

    with site(world, world.step("a", "true")) as opened:
        opened.wait_until_open()
        thread = threading.Thread(target=serve)
        thread.start()
        until(stop, is_up)
        thread.join(60)
        assert not thread.is_alive()
    return ends[0], times[0]


def test_a_service_runs_until_it_is_stopped_and_tells_once_that_it_has_started(world: World) -> None:
    def stop_once_up(stop: Stop, is_up: threading.Event) -> None:
        assert is_up.wait(60)
        stop.request(Status.SUCCESS, "enough")

    outcome, times = served(world, world.step("db", FOREVER), until=stop_once_up)
    assert outcome == Outcome(status=Status.SUCCESS, reason="enough", image=getattr(outcome, "image", ""))
    assert times == 1


def test_a_service_that_can_not_be_started_never_tells_that_it_has(world: World) -> None:
    error, times = served(world, world.step("db", "true", image=NOWHERE), until=lambda _stop, _is_up: None)
    assert isinstance(error, ImageError)
    assert times == 0


def test_a_service_that_is_stopped_before_its_start_has_the_stops_status_and_reason(world: World) -> None:
    stop = Stop()
    stop.request(Status.CANCELLED, "enough")
    with site(world, world.step("a", "true")) as opened:
        opened.wait_until_open()
        outcome = opened.serve(world.step("db", FOREVER), {}, ignored, stop, lambda: None)
    assert (outcome.status, outcome.reason) == (Status.CANCELLED, "enough")


def test_files_are_collected_in_order_of_their_path_and_links_are_not(world: World) -> None:
    step = world.step(
        "a", "mkdir -p z a; echo 1 > z/f; echo 2 > a/f; echo 3 > b; ln -s ../b a/link; echo no > other.txt"
    )
    with site(world, step) as opened:
        opened.wait_until_open()
        released(opened, step)
        found = [(file.path, file.size_bytes, file.content.read()) for file in opened.collect(("a/*", "z/*", "b"))]
    assert found == [("a/f", 2, b"2\n"), ("b", 2, b"3\n"), ("z/f", 2, b"1\n")]


def test_an_output_is_empty_before_and_of_a_large_one_comes_a_byte_too_much(world: World) -> None:
    quiet = world.step("quiet", "true", outputs=("A",))
    large = world.step("large", f"yes | head -c {LARGEST_BYTES * 2} > $CI_OUTPUT", outputs=("A",))
    job = world.job(quiet, large)
    files = {step.name: {"CI_OUTPUT": output_path(job, step)} for step in job.steps}
    with site(world, quiet, large) as opened:
        opened.wait_until_open()
        assert released(opened, quiet, environment=files["quiet"]).status is Status.SUCCESS
        assert opened.output_of(quiet) == b""
        assert released(opened, large, environment=files["large"]).status is Status.SUCCESS
        assert len(opened.output_of(large)) == LARGEST_BYTES + 1


def test_closing_twice_leaves_nothing_also_of_what_still_runs(world: World) -> None:
    step, is_up, ends = world.step("a", f"echo up; {FOREVER}"), threading.Event(), list[object]()

    def heard(_stream: Stream, _data: bytes) -> None:
        is_up.set()

    with site(world, step) as opened:
        opened.wait_until_open()
        readied, stop = opened.ready(step, {}, 0), Stop()
        thread = threading.Thread(target=lambda: ends.append(readied.release({}, heard, stop)))
        thread.start()
        assert is_up.wait(60)
        stop.request(Status.CANCELLED, "the end")
        thread.join(60)
        opened.close()
    assert things_left(world, "contract") == 0
    assert len(ends) == 1


def test_one_backend_serves_many_jobs_from_many_threads(world: World) -> None:
    step = world.step("a", "cat who")
    told: dict[str, str] = {}

    def run(who: str) -> None:
        heard = Heard()
        own = World(backend=world.backend, image=world.image, directory=world.directory / who)
        with site(own, step, files={"who": who}, run=f"many-{who}") as opened:
            opened.wait_until_open()
            released(opened, step, output=heard)
        told[who] = heard.text(Stream.STDOUT)

    threads = [threading.Thread(target=run, args=(who,)) for who in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {who: who for who in ("one", "two", "three")}
    wait_until(lambda: sum(things_left(world, f"many-{who}") for who in told) == 0, what="nothing is left")


def test_each_step_has_a_container_of_its_own_and_all_share_the_workspace(world: World) -> None:
    """What a step leaves running, or sets, is gone with it; what it writes to the workspace stays."""
    first, second = world.step("a", "export LEFT=1; echo kept > file"), world.step("b", "echo ${LEFT:-none}; cat file")
    heard = Heard()
    with site(world, first, second) as opened:
        opened.wait_until_open()
        released(opened, first)
        released(opened, second, output=heard)
    assert heard.text(Stream.STDOUT) == "none\nkept"


def test_streams_beside_the_trees_are_unpacked_with_it(world: World) -> None:
    def tree() -> Iterator[bytes | Beside]:
        yield Beside(lambda: tar_stream(world._source({"beside/a": "1"})))
        yield Beside(lambda: tar_stream(world._source({"further/a": "2"})))
        yield from tar_stream(world._source({"a": "3"}))

    step, heard = world.step("a", "cat beside/a further/a a"), Heard()
    with closing(world.backend.open(world.job(step), Ticket(run="beside", job="build"), tree, Stop())) as opened:
        opened.wait_until_open()
        released(opened, step, output=heard)
    assert heard.text(Stream.STDOUT) == "123"


def test_a_stream_beside_the_trees_that_breaks_off_is_an_error_with_its_reason(world: World) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(512)
        raise SourceError("the disk of this machine is gone")

    def tree() -> Iterator[bytes | Beside]:
        yield Beside(broken)
        yield from tar_stream(world._source({"a": "1"}))

    job = world.job(world.step("a"))
    opened = world.backend.open(job, Ticket(run="beside", job="build"), tree, Stop())
    with closing(opened), pytest.raises(SourceError, match="the disk of this machine is gone"):
        opened.wait_until_open()
