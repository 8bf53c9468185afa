"""What runs, jobs and steps wait for, as API, pages and commands say it."""

import json

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from pipelines.details import Approval, Concurrency
from pipelines.event import Event, EventKind, PullRequest
from pipelines.pulls import PullProgress
from runner.commands import runs, workers
from tests.worker.conftest import TIME, Service, Story, job, step
from worker.roster import Worker
from worker.store import repositories, tasks
from worker.store.repositories import StoredRepository
from worker.waiting.crew import Crew

LABELS = {"platform": "linux/amd64", "repo": "*"}
WORKER = Worker(name="h-1", host="h", labels=LABELS, since=TIME, version="1.0")


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    return service.add_repository()


@pytest.fixture
def story(service: Service, repository: StoredRepository) -> Story:
    return service.add_run(repository)


def shown(service: Service, story: Story) -> tuple[str, dict[str, str], dict[str, str]]:
    """What the run, its jobs and its steps wait for."""
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    of_jobs = {each["name"]: each["waits_for"] for each in run["jobs"]}
    return run["waits_for"], of_jobs, {each["name"]: each["waits_for"] for job in run["jobs"] for each in job["steps"]}


def connect(service: Service, *workers: Worker) -> None:
    service.crew.append(Crew(workers=workers))


def give(service: Service, story: Story) -> str:
    """Into the worker's queue with it."""
    story.take_job()
    with service.database.write() as connection:
        tasks.give(connection, story.task, WORKER.queue)
    return story.task


def test_new_run_waits_for_a_worker_and_then_for_a_free_one(service: Service, story: Story) -> None:
    assert shown(service, story)[0] == "for a worker; none is connected"
    connect(service, WORKER)
    assert shown(service, story)[0] == "for its turn"
    with service.database.write() as connection:
        tasks.give(connection, f"{story.run.id}-plan-1", WORKER.queue)
    assert shown(service, story)[0] == "for its worker to begin"
    other = service.add_run(_named(service))
    assert shown(service, other)[0] == "for a free worker: the only one is at work"
    service.crew.append(Crew(workers=[WORKER], is_redis_away=True))
    assert shown(service, other)[0] == shown(service, story)[0] == "for Redis, which does not answer"


def _named(service: Service) -> StoredRepository:
    with service.database.read() as connection:
        return repositories.named(connection, "acme", "web")


def test_job_waits_for_its_labels_or_for_others(service: Service, story: Story) -> None:
    connect(service, WORKER)
    special = replace(job("train", step("a")), labels={"gpu": "true"})
    story.plan(special, replace(job("publish", step("b")), depends_on=("train",)))
    run, jobs, _ = shown(service, story)
    assert jobs == {"train": "for a worker with gpu=true; none is connected", "publish": "for job train"}
    assert run == jobs["train"], "nothing of it is under way"


def test_step_waits_for_those_before_it(service: Service, story: Story) -> None:
    connect(service, WORKER)
    story.plan(job("build", step("a"), replace(step("b"), depends_on=("a",))))
    story.start_job("build")
    assert shown(service, story)[2] == {"a": "for a container of busybox", "b": "for step a"}
    story.start_step("build", "a")
    assert shown(service, story) == ("", {"build": ""}, {"a": "", "b": "for step a"})
    story.finish_step("build", "a")
    assert shown(service, story)[2] == {"a": "", "b": "for a container of busybox"}


def test_steps_wait_for_their_job_to_begin_and_its_page_says_so_once(service: Service, story: Story) -> None:
    connect(service, WORKER)
    story.plan(job("build", step("a"), replace(step("b"), depends_on=("a",))))
    assert shown(service, story) == (
        "for its turn",
        {"build": "for its turn"},
        {"a": "for its job to begin", "b": "for its job to begin"},
    )
    assert "for its job" not in service.client.get("/acme/web/runs/1").text
    story.start_job("build")
    assert shown(service, story)[2]["a"] == "for a container of busybox"


def test_steps_of_a_job_that_a_person_must_let_begin_wait_for_it(service: Service, story: Story) -> None:
    story.plan(job("ship", replace(step("a"), approval=Approval(message="Ship it?"))))
    run, jobs, steps = shown(service, story)
    assert (run, jobs) == ("for approval by a person: Ship it?", {"ship": "for approval by a person: Ship it?"})
    assert steps == {"a": "for its job to begin"}


def test_step_says_how_far_the_pull_of_its_image_is(service: Service, story: Story) -> None:
    connect(service, WORKER)
    story.plan(job("build", step("a"), replace(step("b"), depends_on=("a",)), step("c")))
    story.start_job("build")
    half = PullProgress(layers=7, layers_done=3, bytes_done=12_000_000, bytes_total=40_000_000)
    story.pull_image("build", "a", "b", progress=PullProgress())
    story.pull_image("build", "a", "b", progress=half)
    phrase = "for its image: pulling busybox, 3 of 7 layers, 12.0 MB of 40.0 MB"
    other = "for a container of busybox"
    assert shown(service, story)[2] == {"a": phrase, "b": "for step a", "c": other}
    story.start_step("build", "a")
    assert shown(service, story)[2] == {"a": phrase, "b": "for step a", "c": other}
    assert f"waits {phrase}" in service.client.get("/acme/web/runs/1").text
    story.pull_image("build", "a", "b", progress=replace(half, layers_done=7, has_ended=True))
    assert shown(service, story)[2] == {"a": "", "b": "for step a", "c": other}


def test_job_of_a_group_counts_the_runs_before_it(service: Service, repository: StoredRepository) -> None:
    connect(service, *(replace(WORKER, name=f"h-{number}") for number in range(9)))
    deploy = replace(job("deploy", step("a")), concurrency=Concurrency(limit=1))
    stories = [service.add_run(repository) for _ in range(3)]
    for story in stories:
        story.plan(deploy)
    give(service, stories[0])
    assert shown(service, stories[1])[1] == {"deploy": "1 run is before it in concurrency group deploy"}
    assert shown(service, stories[2])[0] == "2 runs are before it in concurrency group deploy"


def test_repository_at_its_limit_says_so(service: Service, repository: StoredRepository) -> None:
    connect(service, WORKER)
    service.client.patch("/api/repositories/acme/web", json={"max_runs": 1}).raise_for_status()
    first, second = service.add_run(repository), service.add_run(repository)
    first.plan(job("build", step("a")))
    assert shown(service, second)[0] == "for another run of its repository to end: 1 may go on at once"


def test_run_of_a_fork_waits_for_a_person(service: Service, repository: StoredRepository) -> None:
    request = PullRequest(number=1, from_fork=True)
    story = service.add_run(repository, Event(kind=EventKind.PULL_REQUEST, pull_request=request))
    assert shown(service, story)[0] == "for approval by a person"
    assert service.client.get("/api/runs").json()["runs"][0]["waits_for"] == "for approval by a person"


def test_lists_pages_and_commands_say_it_too(service: Service, story: Story) -> None:
    assert service.client.get("/api/runs").json()["runs"][0]["waits_for"] == "for a worker; none is connected"
    for page in ("/", "/acme/web", "/acme/web/runs/1"):
        assert "waits for a worker; none is connected" in service.client.get(page).text
    environment = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    said = CliRunner().invoke(runs.command, [], env=environment, standalone_mode=False)
    assert "waits for a worker; none is connected" in said.stdout


def test_workers_are_shown_with_what_they_do(service: Service, story: Story) -> None:
    connect(service, replace(WORKER, task=f"{story.run.id}-plan-1"), replace(WORKER, name="h-<2>"))
    answer = service.client.get("/api/workers").json()
    assert [(each["name"], each["run"]) for each in answer["workers"]] == [
        ("h-1", f"{service.url}/acme/web/runs/1"),
        ("h-<2>", None),
    ]
    assert answer["redis"] is True
    page = service.client.get("/workers").text
    assert "platform=linux/amd64" in page
    assert "h-&lt;2&gt;" in page
    environment = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    said = CliRunner().invoke(workers.command, [], env=environment, standalone_mode=False)
    assert said.stdout.splitlines()[0] == f"h-1  platform=linux/amd64,repo=*  {service.url}/acme/web/runs/1"
    said = CliRunner().invoke(workers.command, ["--output", "json"], env=environment, standalone_mode=False)
    assert [each["name"] for each in json.loads(said.stdout)] == ["h-1", "h-<2>"]
