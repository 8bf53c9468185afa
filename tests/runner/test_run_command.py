"""`headrace run` as people and scripts run it: a process, its exit code, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.engine.client import Engine
from runner.engine.ownership import PROCESS, RUN
from tests.gitrepo import GitRepository
from tests.mortal import mortal

pytestmark = pytest.mark.docker


class Project:
    """A repository, and `headrace run` in it."""

    def __init__(self, directory: Path, engine: Engine, image: str) -> None:
        self._engine = engine
        self._image = image
        self._state = directory / "state"
        self._started: list[subprocess.Popen[bytes]] = []
        self.repository = GitRepository(directory / "project")
        self.repository.commit(readme="hello\n")

    def write(self, workflow: str, name: str = ".headrace.yaml") -> None:
        """Write a workflow file; IMAGE in it stands for an image that is there."""
        self.repository.write(name, workflow.replace("IMAGE", self._image))

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start `headrace run` with these arguments."""
        environment = {**os.environ, "HEADRACE_STATE": str(self._state), "HEADRACE_GRACE_SECONDS": "2"}
        process = subprocess.Popen(
            mortal([sys.executable, "-P", "-m", "runner.cli", "run", *arguments]),
            cwd=self.repository.path,
            env=environment | options.pop("environment", {}),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            **options,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what a test that failed has left running."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=60)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Its exit code, stdout and stderr; nothing of it is left in the engine."""
        process = self.start(*arguments, environment=environment or {})
        stdout, stderr = process.communicate(timeout=150)
        assert self.left_behind() == []
        return process.returncode, stdout.decode(), stderr.decode()

    def records(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Its exit code and the Records that it prints."""
        code, stdout, _ = self.run("--output", "json", *arguments)
        return code, [json.loads(line) for line in stdout.splitlines()]

    def runs(self) -> list[str]:
        """The ids of the runs so far."""
        directory = self._state / "runs"
        return [path.name for path in directory.iterdir()] if directory.exists() else []

    def left_behind(self) -> list[str]:
        """Containers, networks and volumes that these processes made and that are still in the engine."""
        everything = (*self._engine.containers(RUN), *self._engine.networks(RUN), *self._engine.volumes(RUN))
        ours = {str(process.pid) for process in self._started}
        return [each.name for each in everything if each.labels[PROCESS].partition(".")[0] in ours]


@pytest.fixture
def project(tmp_path: Path, engine: Engine, busybox: str) -> Iterator[Project]:
    project = Project(tmp_path, engine, busybox)
    yield project
    project.end()


def texts(records: list[dict[str, Any]], step: str) -> list[str]:
    return [
        line for record in records if record["type"] == "log" and record["step"] == step for line in record["lines"]
    ]


def test_json_output_is_records_and_nothing_else(project: Project) -> None:
    project.write("steps:\n  greet:\n    image: IMAGE\n    commands:\n      - cat readme\n      - echo oops >&2\n")
    code, records = project.records()
    assert code == 0
    assert [record["type"] for record in records if record["type"] != "log"] == [
        "run_started",
        "job_started",
        "step_started",
        "step_finished",
        "job_finished",
        "run_finished",
    ]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert {record["v"] for record in records} == {1}
    assert "hello" in texts(records, "greet")
    streams = {line: log["stream"] for log in records if log["type"] == "log" for line in log["lines"]}
    assert (streams["hello"], streams["oops"]) == ("stdout", "stderr")


def test_failed_step_is_exit_code_1_and_the_rest_is_skipped(project: Project) -> None:
    project.write(
        """
steps:
  fails: {image: IMAGE, commands: exit 42}
  after: {image: IMAGE, commands: echo never}
  notify: {image: IMAGE, commands: echo "was $CI_PIPELINE_STATUS", when: {status: [failure]}}
"""
    )
    code, records = project.records()
    finished = {record["step"]: record for record in records if record["type"] == "step_finished"}
    assert code == 1
    assert (finished["fails"]["status"], finished["fails"]["exit_code"]) == ("failure", 42)
    assert finished["after"]["status"] == "skipped"
    assert "was failure" in texts(records, "notify")


def test_broken_file_is_exit_code_2_with_the_place_on_stderr(project: Project) -> None:
    project.write("steps:\n  a:\n    imge: busybox\n")
    code, stdout, stderr = project.run("--output", "json")
    assert code == 2
    assert ".headrace.yaml:3:5: " in stderr
    assert [json.loads(line)["type"] for line in stdout.splitlines()] == ["run_started", "run_finished"]


def test_repository_without_workflow_files_is_exit_code_2(project: Project) -> None:
    code, stdout, stderr = project.run()
    assert (code, stdout) == (2, "")
    assert "no workflow file" in stderr
    assert len(stderr.splitlines()) == 1


def test_missing_engine_is_exit_code_3_with_one_line(project: Project) -> None:
    project.write("steps:\n  a: {image: IMAGE, commands: echo}\n")
    code, stdout, stderr = project.run(environment={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert (code, stdout) == (3, "")
    assert "/nowhere/docker.sock" in stderr
    assert len(stderr.splitlines()) == 1


def test_place_for_runs_that_can_not_be_made_is_named(project: Project, tmp_path: Path) -> None:
    project.write("steps:\n  a: {image: IMAGE, commands: echo}\n")
    (tmp_path / "file").touch()
    code, stdout, stderr = project.run(environment={"HEADRACE_STATE": f"{tmp_path}/file"})
    assert (code, stdout) == (2, "")
    [line] = stderr.splitlines()
    assert f"can't keep the run in {tmp_path}/file/runs: Not a directory; choose another HEADRACE_STATE" in line


def test_missing_image_is_exit_code_3_and_named(project: Project) -> None:
    project.write("steps:\n  a: {image: '127.0.0.1:9/no/such', commands: echo}\n")
    code, records = project.records()
    assert code == 3
    [finished] = [record for record in records if record["type"] == "step_finished"]
    assert finished["status"] == "error"
    assert "127.0.0.1:9/no/such" in finished["reason"]


def test_step_that_takes_too_long_is_exit_code_4(project: Project) -> None:
    project.write("steps:\n  a: {image: IMAGE, commands: sleep 60, timeout: 1s}\n")
    code, records = project.records()
    assert code == 4
    assert records[-1]["status"] == "timed_out"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_run_is_exit_code_130_and_leaves_nothing(project: Project, number: signal.Signals) -> None:
    project.write(
        """
services:
  db: {image: IMAGE, commands: sleep 300}
steps:
  long: {image: IMAGE, commands: "echo started; sleep 300"}
  cleanup: {image: IMAGE, commands: echo cleaned, when: {status: [success, failure]}}
"""
    )
    process = project.start("--output", "json")
    assert process.stdout
    lines: list[bytes] = []
    for line in process.stdout:
        lines.append(line)
        if b'"started"' in line:
            process.send_signal(number)
            break
    rest, _ = process.communicate(timeout=150)
    records = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert process.returncode == 130
    assert records[-1]["status"] == "cancelled"
    assert "cleaned" in texts(records, "cleanup")
    assert project.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_signal_that_was_ignored_from_the_start_does_not_end_the_run(project: Project, number: signal.Signals) -> None:
    """As it is for a run under `nohup`, and in the background of a script."""
    project.write("steps:\n  long: {image: IMAGE, commands: 'echo started; sleep 1; echo whole'}\n")
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = project.start("--output", "json")
    finally:
        signal.signal(number, before)
    assert process.stdout
    assert any(b'"started"' in line for line in process.stdout)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=150)
    assert b'"whole"' in rest
    assert process.returncode == 0


MEET = """
steps:
  a: {image: IMAGE, depends_on: [], commands: 'touch a; until [ -e b ]; do sleep 0.05; done', timeout: SECONDSs}
  b: {image: IMAGE, depends_on: [], commands: 'touch b; until [ -e a ]; do sleep 0.05; done', timeout: SECONDSs}
"""


@pytest.mark.parametrize(("at_once", "seconds", "code"), [("1", "1", 4), ("2", "60", 0)])
def test_as_many_steps_run_at_once_as_asked_for(project: Project, at_once: str, seconds: str, code: int) -> None:
    """These two end only if they meet; alone, the one waits until its time is up."""
    project.write(MEET.replace("SECONDS", seconds))
    assert project.records("--parallel", at_once)[0] == code


def test_run_whose_reader_goes_away_ends_and_leaves_nothing(project: Project) -> None:
    """`headrace run | head` must not leave containers running."""
    project.write("steps:\n  chatter: {image: IMAGE, commands: 'while true; do echo on and on; done'}\n")
    process = project.start()
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(150) == 130
    assert process.stderr
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert project.left_behind() == []


def test_killed_run_is_swept_up_by_the_next_one(project: Project) -> None:
    project.write("steps:\n  long: {image: IMAGE, commands: 'echo started; sleep 300'}\n")
    process = project.start("--output", "json")
    assert process.stdout
    assert any(b'"started"' in line for line in process.stdout)
    process.kill()
    process.communicate()
    assert project.left_behind()
    project.write("steps:\n  short: {image: IMAGE, commands: 'true'}\n")
    code, records = project.records()
    assert (code, records[-1]["status"]) == (0, "success"), "and says nothing of it on stdout"


def test_two_runs_at_once_leave_each_other_alone(project: Project) -> None:
    project.write("steps:\n  a: {image: IMAGE, commands: 'echo $$ > mine; sleep 1; test $(cat mine) = $$'}\n")
    both = [project.start("--output", "json") for _ in range(2)]
    outputs = [process.communicate(timeout=150) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert project.left_behind() == []


def test_workflows_run_in_the_order_of_their_dependencies(project: Project) -> None:
    project.write("steps:\n  a: {image: IMAGE, commands: echo}\n", ".headrace/build.yaml")
    project.write("depends_on: build\nsteps:\n  a: {image: IMAGE, commands: exit 1}\n", ".headrace/attack.yaml")
    project.write("depends_on: attack\nsteps:\n  a: {image: IMAGE, commands: echo}\n", ".headrace/deploy.yaml")
    code, records = project.records()
    assert code == 1
    ended = [(record["job"], record["status"]) for record in records if record["type"] == "job_finished"]
    assert ended == [("build", "success"), ("attack", "failure"), ("deploy", "skipped")]


def test_services_are_reached_by_name(project: Project) -> None:
    project.write(
        """
services:
  web: {image: IMAGE, commands: "mkdir -p /www; echo served > /www/index.html; httpd -f -p 80 -h /www"}
steps:
  ask:
    image: IMAGE
    commands:
      - address=$(nslookup web | awk '/^Address/ {a=$NF} END {print a}')
      - for try in $(seq 300); do wget -q -O - http://$address/ && break; sleep 0.2; done | tee answer
      - grep served answer
"""
    )
    code, records = project.records()
    assert code == 0, texts(records, "ask")


def test_secret_is_known_to_its_step_and_shown_nowhere(project: Project, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("# of the project\nTOKEN='s3cr3t-of-the-file'\n")
    project.write(
        """
steps:
  use:
    image: IMAGE
    environment:
      A: {from_secret: token}
      B: {from_secret: other}
    commands: |
      echo "$A and $B"
      test "$B" = given-by-hand
"""
    )
    code, records = project.records("--secret-file", str(tmp_path / "secrets"), "--secret", "other=given-by-hand")
    assert code == 0
    assert "******** and ********" in texts(records, "use")
    assert "s3cr3t" not in json.dumps(records)


def test_missing_secret_is_named_before_anything_runs(project: Project) -> None:
    project.write("steps:\n  use: {image: IMAGE, environment: {A: {from_secret: token}}, commands: echo}\n")
    code, _, stderr = project.run()
    assert code == 2
    assert '.headrace.yaml:2:8: error: step "use" can\'t have the secret "token": there is none of that name' in stderr
    assert "--secret NAME=VALUE" in stderr
    assert project.runs() == []


def test_people_see_steps_logs_and_results(project: Project) -> None:
    project.write("steps:\n  greet: {image: IMAGE, commands: echo good day}\n")
    code, stdout, stderr = project.run()
    assert code == 0
    assert "greet │ good day" in stdout
    assert "✓ success in " in stdout
    assert "\x1b" not in stdout, "no colours where there is no terminal"
    assert str(project.runs()[0]) in stderr


def test_artifacts_are_kept_and_the_working_tree_is_not_written_to(project: Project) -> None:
    project.write(
        "steps:\n  make: {image: IMAGE, commands: ['mkdir out; echo > out/x', 'echo 2 > readme'], artifacts: out/**}\n"
    )
    code, records = project.records()
    assert code == 0
    assert [record["path"] for record in records if record["type"] == "artifact"] == ["out/x"]
    assert project.repository.git("status", "--short") == "?? .headrace.yaml"


def test_output_of_a_step_never_obeys_in_the_terminal(project: Project) -> None:
    """Colours pass; titles, links, the clipboard and the cursor don't."""
    project.write(
        r"""
steps:
  evil:
    image: IMAGE
    commands: printf 'a\033]0;title\007b\033]8;;http://evil\033\\\\c\033[2Jd\033]52;c;ZXZpbA==\007e\n'
"""
    )
    code, stdout, _ = project.run()
    assert code == 0
    assert "evil │ abcde" in stdout


def test_key_without_effect_is_told_beside_the_records(project: Project) -> None:
    project.write("steps: {greet: {image: IMAGE, commands: echo hi, cache: tmp, reports: {junit: a.xml}}}")
    process = project.start("--output", "json")
    stdout, stderr = process.communicate(timeout=150)
    assert process.returncode == 0
    assert all(json.loads(line)["v"] == 1 for line in stdout.splitlines())
    for key in ("cache", "reports"):
        assert f"warning: `steps.greet.{key}` has no effect yet\n" in stderr.decode()


def test_steps_of_an_included_file_run(project: Project) -> None:
    project.repository.write("ci/base.yaml", "environment: {WORD: included}")
    project.write("include: ci/base.yaml\nsteps: {say: {image: IMAGE, commands: echo $WORD}}")
    code, records = project.records()
    assert code == 0
    assert "included" in texts(records, "say")


def test_jobs_see_what_those_before_them_have_written(project: Project) -> None:
    """And those that they don't wait for, not."""
    write = "steps: {version: {image: IMAGE, commands: 'echo V=$SECRET-7 > $CI_OUTPUT', outputs: V%s}}"
    secret = ", environment: {SECRET: {from_secret: token}}"
    read = "depends_on: build\nsteps: {a: {image: IMAGE, commands: 'echo got $CI_OUTPUT_VERSION_V'}}"
    project.write(write % secret, ".headrace/build.yaml")
    project.write(read, ".headrace/deploy.yaml")
    project.write(read.partition("\n")[2], ".headrace/lint.yaml")
    code, records = project.records("--secret", "token=secret-value")
    printed = {each["job"]: line for each in records if each["type"] == "log" for line in each["lines"]}
    assert code == 0
    assert (printed["deploy"], printed["lint"]) == ("got ********-7", "got")


def test_clone_of_another_image_runs_first_in_an_empty_workspace(project: Project) -> None:
    project.write(
        """
clone:
  - {name: fetch, image: IMAGE, commands: [ls -A, echo fetched > source]}
  - {name: more, image: IMAGE, commands: cat source, when: {event: tag}}
steps:
  build: {image: IMAGE, commands: [ls -A, cat source]}
"""
    )
    code, records = project.records()
    assert code == 0
    assert [line for line in texts(records, "fetch") if not line.startswith(("+ ", "image "))] == []
    assert [line for line in texts(records, "build") if not line.startswith(("+ ", "image "))] == ["source", "fetched"]
    assert {record["step"] for record in records if record["type"] == "step_finished"} == {"fetch", "build"}
