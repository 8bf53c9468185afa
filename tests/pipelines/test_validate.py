"""A workflow file becomes a Workflow, or problems that name the place, what was found and what to write."""

import pytest

from pipelines.model import Workflow
from pipelines.plan import ArtifactRule, SecretReference
from pipelines.problems import Level, Problem
from pipelines.status import Status
from pipelines.validate import check_together, read_workflow, read_workflows

STEP = "steps: {a: {image: x}}\n"


def good(text: str, file: str = ".headrace/build.yaml") -> Workflow:
    reading = read_workflow(text.encode(), file)
    assert reading.problems == ()
    assert reading.workflow is not None
    return reading.workflow


def problems(text: str, file: str = "a.yaml") -> list[Problem]:
    return list(read_workflow(text.encode(), file).problems)


def only(text: str, file: str = "a.yaml") -> Problem:
    (problem,) = problems(text, file)
    return problem


def test_steps_may_be_a_list_or_a_map() -> None:
    as_list = good("steps: [{name: a, image: x, commands: c}, {image: y}]")
    as_map = good("steps: {a: {image: x, commands: [c]}, step-1: {image: y}}")
    for workflow in (as_list, as_map):
        assert [(step.name, step.image, step.commands) for step in workflow.steps] == [
            ("a", "x", ("c",)),
            ("step-1", "y", ()),
        ]


def test_every_key_of_a_step_is_read() -> None:
    (step,) = good(
        """
        steps:
          - name: all
            image: go:1.26
            commands: [a, "b: c", true]
            environment: {A: 1.10, B: yes, C: True, D: ~, E: [a, 2], F: {k: [1, a]}, S: {from_secret: token}}
            directory: web
            when: {event: push, branch: {include: [main], exclude: old/*}, status: [success, failure]}
            depends_on: []
            failure: ignore
            detach: true
            timeout: 1h2m3s
            artifacts: [dist/**, {paths: [log/*], name: logs, when: always}, out.txt]
        """
    ).steps
    assert step.commands == ("a", "b: c", "true")
    assert step.environment == {
        "A": "1.10",
        "B": "yes",
        "C": "true",
        "E": "a,2",
        "F": '{"k":[1,"a"]}',
        "S": SecretReference("token"),
    }
    assert step.directory == "web"
    assert step.when[0].event == ("push",)
    assert step.when[0].branch is not None
    assert step.when[0].branch.exclude == ("old/*",)
    assert step.when[0].status == (Status.SUCCESS, Status.FAILURE)
    assert step.depends_on == ()
    assert (step.failure, step.detach, step.timeout) == ("ignore", True, 3723.0)
    assert step.artifacts == (
        ArtifactRule(paths=("dist/**", "out.txt")),
        ArtifactRule(paths=("log/*",), name="logs", on=(Status.SUCCESS, Status.FAILURE)),
    )


def test_every_key_of_a_workflow_is_read() -> None:
    workflow = good(
        STEP
        + """
when: [{event: tag}, {ref: refs/heads/x}]
services: {db: {image: postgres, environment: {A: b}}}
environment: {CI_DEBUG: 1}
depends_on: [lint, {name: docs, optional: true}]
workspace: {base: /work, path: here}
labels: {arch: arm64}
skip_clone: yes
timeout: 90s
variables: [anything, {at: all}]
"""
    )
    assert workflow.name == "build"
    assert [condition.label for condition in workflow.when] == ["when[0]", "when[1]"]
    assert [service.name for service in workflow.services] == ["db"]
    assert workflow.environment == {"CI_DEBUG": "1"}
    assert [(each.name, each.optional) for each in workflow.depends_on] == [("lint", False), ("docs", True)]
    assert (workflow.workspace.base, workflow.workspace.path) == ("/work", "here")
    assert workflow.labels == {"arch": "arm64"}
    assert workflow.skip_clone
    assert workflow.timeout == 90


def test_null_is_like_an_absent_key() -> None:
    (step,) = good("when:\nsteps: [{image: x, commands: , environment: ~, depends_on: null, when: }]").steps
    assert (step.commands, step.environment, step.depends_on, step.when) == ((), {}, None, ())


def test_settings_become_text_as_plugins_expect_it() -> None:
    (step,) = good(
        "steps: [{image: p, settings: {tags: [a, 1.0], dry-run: False, none: ~, k: {from_secret: s}}}]"
    ).steps
    assert step.settings == {"tags": "a,1.0", "dry-run": "false", "k": SecretReference("s")}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("steps: [{image: x, comands: y}]", '1:20: "comands" is not a key of a step (did you mean `commands`?)'),
        ("steps: x", 'a.yaml:1:8: `steps` must be a list, or a map from names, not "x"'),
        ("steps: []", "a.yaml:1:8: `steps` is empty; a workflow needs at least one"),
        ("when: {event: push}", "a.yaml:1:1: the file has no `steps`, which a workflow needs"),
        ("- a", "a.yaml:1:1: the file must be a map with the keys of a workflow, not a list"),
        ("hello", 'a.yaml:1:1: the file must be a map with the keys of a workflow, not "hello"'),
        ("steps: [x]", 'a.yaml:1:9: `steps[0]` must be a map with the keys of a step, not "x"'),
        ("steps: {a: }", "a.yaml:1:12: `steps.a` must be a map with the keys of a step, not nothing"),
        ("steps: [{name: a}]", "a.yaml:1:9: `steps[0]` has no `image`, which a step needs"),
        ("steps: [{image: ' '}]", "1:17: `steps[0].image` is empty; name an image"),
        ("steps: [{image: [x]}]", "1:17: `steps[0].image` must be text, not a list"),
        ("steps:\n- image: x\n  commands:\n  - echo a: b", "4:5: `steps[0].commands[0]` must be text, not a map (YAML"),
        ("steps: [{image: x, commands: [[a]]}]", "`steps[0].commands[0]` must be text, not a list"),
        ("steps: [{image: x, commands: [~]}]", "`steps[0].commands[0]` must be text, not nothing"),
        ("steps: [{image: x, failure: ignored}]", 'be fail, ignore or cancel, not "ignored" (did you mean `ignore`?)'),
        ("steps: [{image: x, detach: maybe}]", '`steps[0].detach` must be true or false, not "maybe"'),
        ("steps: [{image: x, timeout: 90}]", "(write `90s`)"),
        ("steps: [{image: x, timeout: 0s}]", "must be a time above zero such as 90s, 10m or 1h30m"),
        ("steps: [{image: x, directory: ../..}]", "`steps[0].directory` leads out of the workspace"),
        ("steps: [{image: x, artifacts: /etc/*}]", "`steps[0].artifacts` must be relative"),
        ("steps: [{image: x, artifacts: [a/../../b]}]", "`steps[0].artifacts[0]` leads out of the workspace"),
        ("steps: [{image: x, artifacts: {name: n}}]", "`steps[0].artifacts` has no `paths`, which an artifact needs"),
        ("steps: [{image: x, artifacts: {paths: a, expire: 1d}}]", 'key "expire" of an artifact is not supported yet'),
        ("steps: [{image: x, when: {branch: '[a'}}]", 'the glob "[a" has a [ without its ], so it matches nothing'),
        ("steps: [{image: x, when: {event: pushed}}]", "(did you mean `push`?)"),
        ("steps: [{image: x, when: {status: ok}}]", '`steps[0].when.status` must be success or failure, not "ok"'),
        ("steps: [{image: x, when: push}]", 'must be a map with the keys of a condition, not "push"'),
        ("steps: [{image: x, when: [{evaluate: 'true'}]}]", 'the key "evaluate" of a condition is not supported yet'),
        ("steps: [{image: x, environment: [A=b]}]", "`steps[0].environment` must be a map from names"),
        ("steps: [{image: x, environment: {A=B: c}}]", '"A=B" can\'t be the name of a variable'),
        ("steps: [{image: x, environment: {A: {from_secret: [b]}}}]", "must be {from_secret: NAME} and nothing else"),
        ("steps: [{image: x, settings: {a: [{from_secret: b}]}}]", "secret inside a list or map is not supported yet"),
        ("steps: [{image: x, settings: {a: b}, commands: c}]", "`settings`, which only the image's own program reads"),
        ("steps: [{image: x, privileged: true}]", 'the key "privileged" of a step is not supported yet'),
        ("steps: [{image: x, script: a}]", '"script" is not a key of a step (write `commands`)'),
        ("steps: {a: {image: x}, b: {name: a, image: x}}", '1:27: the name "a" is taken (`steps.a` on line 1 has it)'),
        ("steps: {a: {image: x}}\nservices: {a: {image: x}}", 'the name "a" is taken (`services.a` on line 2 has it)'),
        ("services: [{image: x}]\nsteps: [{image: x}]", "1:12: `services[0]` has no `name`, which a service needs"),
        (STEP + "services: {s: {image: x, depends_on: a}}", '"depends_on" is not a key of a service (only steps have'),
        (STEP + "matrix: {A: [b]}", 'the key "matrix" of a workflow is not supported yet'),
        (STEP + "kind: pipeline", '"kind" is not a key of a workflow (this is a Drone file'),
        (STEP + "workspace: {base: work}", "`workspace.base` must be an absolute path below /, such as /work"),
        (STEP + "workspace: {path: ../x}", "`workspace.path` leads out of the workspace"),
        (STEP + "labels: [a]", "`labels` must be a map from names to text, not a list"),
        (STEP + '"\\e]8;;x\\a": 1', '"\\x1b]8;;x\\x07" is not a key of a workflow'),
        ("steps: [{image: x, depends_on: b}]", 'there is no step "b" to depend on'),
        ("steps: {build: {image: x}, test: {image: x, depends_on: biuld}}", "(did you mean `build`?)"),
        ("steps: {a: {image: x}, b: {image: x, depends_on: [a, a]}}", 'the step "a" is named twice'),
        ("steps: {a: {image: x, depends_on: a}}", "1:35: these steps wait for each other: a → a"),
    ],
)  # fmt: skip
def test_mistake_gives_one_problem_that_helps(text: str, line: str) -> None:
    assert line in str(only(text))
    assert only(text).level is Level.ERROR


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps:\n" + "- {image: x}\n" * 501, "the workflow has 501 steps and services; it may have 500"),
        (
            f"environment: {{A: {'v' * 400_000}}}\nsteps:\n" + "- {image: x}\n" * 11,
            "the workflow's `environment` for all 11 steps has more than 4,000,000 characters",
        ),
        (
            "steps:\n" + "".join(f"- {{image: x, when: {{ref: '{'{a,b}' * 7}{n}'}}}}\n" for n in range(80)),
            "the globs of this file have more than 50,000 characters, alternatives written out",
        ),
    ],
    ids=["steps", "environment", "globs"],
)
def test_small_file_can_not_ask_for_a_huge_plan(text: str, complaint: str) -> None:
    assert problems(text)[0].message == complaint


def test_circle_is_named_by_its_path() -> None:
    text = """steps:
  a: {image: x, depends_on: b}
  b: {image: x, depends_on: c}
  c: {image: x, depends_on: b}
"""
    assert str(only(text)) == "a.yaml:3:29: these steps wait for each other: b → c → b"


def test_all_problems_of_a_file_come_in_its_order() -> None:
    text = "steps:\n  a: {image: x, imgae: y, timeout: 1}\n  b: {image: 1, detach: 2}\nwhen: {event: no}\n"
    assert [(problem.line, problem.path) for problem in problems(text)] == [
        (2, "steps.a.imgae"),
        (2, "steps.a.timeout"),
        (3, "steps.b.detach"),
        (4, "when.event"),
    ]


def test_unknown_key_only_warns_in_a_woodpecker_file() -> None:
    reading = read_workflow(b"steps: {a: {image: x, imgae: y}}", ".woodpecker/build.yaml")
    assert [problem.level for problem in reading.problems] == [Level.WARNING]
    assert reading.workflow is not None


def test_key_that_is_not_supported_yet_is_an_error_in_a_woodpecker_file_too() -> None:
    """Else a workflow would run without what its author asked for."""
    assert only(STEP + "matrix: {A: [b]}", ".woodpecker.yml").level is Level.ERROR


def test_plugin_with_environment_warns() -> None:
    assert only("steps: [{image: x, settings: {a: b}, environment: {c: d}}]").level is Level.WARNING


def test_odd_names_are_quoted_in_paths() -> None:
    assert only('steps: {"my step": {image: x, a.b: c}}').path == 'steps["my step"]["a.b"]'


def together(**texts: str) -> list[str]:
    readings = read_workflows({f"{name.replace('_', '.')}": text.encode() for name, text in texts.items()})
    return [str(problem) for problem in check_together(readings)]


def test_workflows_must_have_different_names() -> None:
    assert together(b_yml=STEP, b_yaml=STEP) == [
        'b.yml:1:1: the workflow name "b" is taken by b.yaml (rename one of the files)'
    ]


def test_workflow_that_needs_an_unknown_one_is_told_the_nearest() -> None:
    assert together(build_yaml=STEP, test_yaml=STEP + "depends_on: biuld") == [
        'test.yaml:2:13: there is no workflow "biuld" to depend on (did you mean `build`?)'
    ]


def test_broken_workflow_still_lends_its_name() -> None:
    """Its own problems are enough; those that need it aren't wrong."""
    assert together(build_yaml="steps: [", test_yaml=STEP + "depends_on: build") == []


def test_circle_of_workflows_is_named_by_its_path() -> None:
    assert together(a_yaml=STEP + "depends_on: b", b_yaml=STEP + "depends_on: [a]") == [
        "a.yaml:2:13: these workflows wait for each other: a → b → a"
    ]
