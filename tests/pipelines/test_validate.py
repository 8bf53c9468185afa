"""A workflow file becomes a Workflow, or problems that name the place, what was found and what to write."""

import pytest

from pipelines.details import (
    Approval,
    ArtifactRule,
    Build,
    CacheRule,
    Checkout,
    Concurrency,
    Healthcheck,
    Parameter,
    Reports,
    Resources,
    Retry,
    Reuse,
    SecretReference,
)
from pipelines.model import MatrixFilter, PathFilter, Patterns, Workflow
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


def test_every_key_that_headrace_adds_to_a_step_is_read() -> None:
    (step,) = good(
        """
        steps:
          - build: {context: ., dockerfile: ci/Dockerfile, args: {A: 1.10, S: t}, target: test}
            commands: print(1)
            shell: [python3, -]
            retry: {attempts: 3, exit_codes: [1, 75], on: [failure, oom], delay: 1m30s}
            resources: {cpus: 1.5, memory: 512M, pids: 64, shm: 1g}
            cache: [a, {key: k, paths: [b, c], restore_keys: k-, when: always}, d]
            artifacts: {paths: x, expire: 30d}
            needs_artifacts: dist
            reports: {junit: "*.xml", coverage: [a, b]}
            outputs: [VERSION, TAG]
            approval: {message: Really?, users: ada}
            reuse: {inputs: src/**}
        """
    ).steps
    assert step.build == Build(context=".", dockerfile="ci/Dockerfile", args={"A": "1.10", "S": "t"}, target="test")
    assert step.shell == ("python3", "-")
    assert step.retry == Retry(attempts=3, exit_codes=(1, 75), on=("failure", "oom"), delay=90)
    assert step.resources == Resources(cpus=1.5, memory=512 << 20, pids=64, shm=1 << 30)
    assert step.cache == (
        CacheRule(paths=("a", "d")),
        CacheRule(paths=("b", "c"), key="k", restore_keys=("k-",), on=(Status.SUCCESS, Status.FAILURE)),
    )
    assert step.artifacts == (ArtifactRule(paths=("x",), expire=30 * 86_400),)
    assert step.needs_artifacts == ("dist",)
    assert step.reports == Reports(junit=("*.xml",), coverage=("a", "b"))
    assert step.outputs == ("VERSION", "TAG")
    assert step.approval == Approval(message="Really?", users=("ada",))
    assert step.reuse == Reuse(inputs=("src/**",))


def test_label_without_a_value_asks_for_nothing() -> None:
    assert good(STEP + "labels: {a: b, c: '', d: }").labels == {"a": "b"}


def test_short_forms_mean_the_long_ones() -> None:
    (step,) = good("steps: [{build: ./ci, retry: 2, approval: yes, cache: node_modules, pull: true}]").steps
    assert step.build == Build(context="./ci")
    assert step.retry == Retry(attempts=2)
    assert step.approval == Approval()
    assert step.cache == (CacheRule(paths=("node_modules",)),)
    assert step.pull == "always"
    (step,) = good("steps: [{image: x, approval: false, pull: false}]").steps
    assert (step.approval, step.pull) == (None, "missing")


def test_every_key_of_woodpeckers_engines_is_read() -> None:
    (step,) = good(
        """
        steps:
          - image: x
            pull: never
            privileged: true
            volumes: [/a:/b, /c]
            devices: /dev/kvm:/dev/kvm
            tmpfs: [/tmp]
            dns: 192.0.2.1
            dns_search: example.org
            extra_hosts: ["a:192.0.2.2"]
            network_mode: host
            backend_options: {docker: {user: "1000:1000"}, kubernetes: {serviceAccountName: x}}
        """
    ).steps
    assert (step.pull, step.privileged, step.volumes, step.user) == ("never", True, ("/a:/b", "/c"), "1000:1000")
    assert (step.devices, step.tmpfs, step.dns) == (("/dev/kvm:/dev/kvm",), ("/tmp",), ("192.0.2.1",))
    assert (step.dns_search, step.extra_hosts) == (("example.org",), ("a:192.0.2.2",))
    assert step.network_mode == "host"


def test_services_have_keys_of_their_own() -> None:
    (service,) = good(
        """
        services:
          - name: db
            image: postgres
            ports: [5432, 53/udp]
            healthcheck: {command: [pg_isready, -q], interval: 2s, timeout: 1s, retries: 9, start_period: 1m}
        steps: [{image: x}]
        """
    ).services
    assert service.ports == ("5432", "53/udp")
    assert service.healthcheck == Healthcheck(
        command=("pg_isready", "-q"), interval=2, timeout=1, retries=9, start_period=60
    )


def test_every_condition_is_read() -> None:
    (condition,) = good(
        """
        when:
          event: [push, cron]
          branch: main
          ref: {exclude: [a, b]}
          repo: [o/n]
          instance: ci.example.org
          platform: linux/*
          cron: nightly
          path: {include: src/**, exclude: ["*.md"], ignore_message: "[all]", on_empty: false}
          status: failure
          evaluate: CI == "headrace"
          local: no
        steps: [{image: x}]
        """
    ).when
    assert condition.event == ("push", "cron")
    assert condition.branch == Patterns(include=("main",))
    assert condition.ref == Patterns(exclude=("a", "b"))
    assert condition.repo == Patterns(include=("o/n",))
    assert condition.instance == Patterns(include=("ci.example.org",))
    assert condition.platform == Patterns(include=("linux/*",))
    assert condition.cron == Patterns(include=("nightly",))
    assert condition.path == PathFilter(include=("src/**",), exclude=("*.md",), ignore_message="[all]", on_empty=False)
    assert condition.status == (Status.FAILURE,)
    assert condition.evaluate is not None
    assert (condition.evaluate.text, condition.evaluate.position.line) == ('CI == "headrace"', 12)
    assert condition.local is False


@pytest.mark.parametrize(
    ("text", "include", "exclude"),
    [
        ("{A: x, B: y*}", {"A": "x", "B": "y*"}, {}),
        ("{include: {A: x}, exclude: {B: y}}", {"A": "x"}, {"B": "y"}),
        ("{exclude: {A: 1.10}}", {}, {"A": "1.10"}),
        ("{include: x}", {"include": "x"}, {}),
    ],
)
def test_filter_of_the_matrix_is_a_map_or_two(text: str, include: dict[str, str], exclude: dict[str, str]) -> None:
    (step,) = good(f"steps: [{{image: x, when: {{matrix: {text}}}}}]").steps
    assert step.when[0].matrix == MatrixFilter(include=include, exclude=exclude)


def test_matrix_keeps_the_authors_text() -> None:
    workflow = good(STEP + "matrix: {PY: [3.10, 012], OS: [], exclude: [{PY: 012}], include: [{A: ~}]}")
    assert workflow.matrix is not None
    assert workflow.matrix.axes == {"PY": ("3.10", "012"), "OS": ()}
    assert (workflow.matrix.include, workflow.matrix.exclude) == (({},), ({"PY": "012"},))


def test_rest_of_a_workflow_is_read() -> None:
    workflow = good(
        STEP
        + """
concurrency: {limit: 2, group: deploy, cancel: true}
params:
  target: {type: choice, options: [a, b], default: b, required: true, description: Where?}
  count: {type: number, default: 1.5}
"""
    )
    assert workflow.concurrency == Concurrency(limit=2, group="deploy", cancel=True)
    assert workflow.params == {
        "target": Parameter(type="choice", options=("a", "b"), default="b", required=True, description="Where?"),
        "count": Parameter(type="number", default="1.5"),
    }
    assert good(STEP + "concurrency: 1").concurrency == Concurrency(limit=1)


@pytest.mark.parametrize(
    "image", ["", "image: woodpeckerci/plugin-git, ", "image: 'r.example:5000/x/plugin-git:2.1', "]
)
def test_clone_of_ours_is_the_checkout(image: str) -> None:
    workflow = good(
        STEP
        + f"clone: {{git: {{{image}when: {{event: push}}, settings: {{depth: 3, tags: true, lfs: no, backoff: 9s}}}}}}"
    )
    assert workflow.clone is not None
    assert workflow.clone.checkout == Checkout(depth=3, tags=True, lfs=False, backoff=9)
    assert workflow.clone.when[0].event == ("push",)
    assert workflow.clone.steps == ()


def test_clone_of_another_image_is_a_step() -> None:
    workflow = good(STEP + "clone: [{name: fetch, image: plugins/git, settings: {depth: 1}}, {image: y, commands: c}]")
    assert workflow.clone is not None
    assert workflow.clone.checkout is None
    assert [(step.name, step.image, step.is_plugin) for step in workflow.clone.steps] == [
        ("fetch", "plugins/git", True),
        ("clone-1", "y", False),
    ]


def test_names_in_the_file_are_not_judged_before_they_have_values() -> None:
    (step,) = good(
        "matrix: {T: [1m], N: [2]}\n"
        "steps: [{image: '${CI_REPO}', timeout: '${T}', retry: '${N}', when: {event: '${CI_PIPELINE_EVENT}'}}]"
    ).steps
    assert (step.image, step.timeout, step.retry) == ("${CI_REPO}", None, None)


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
        ("steps: [{image: X}]", '1:17: `steps[0].image` must be the name of an image, not "X"'),
        ("steps: {'': {image: x}}", '1:13: `steps[""]` has an empty name'),
        ("steps:", "the file has no `steps`, which a workflow needs (What to run: a map from names to steps"),
        ("steps: [{image: x, when: [~]}]", "`steps[0].when[0]` is nothing, so it holds always (leave the item out)"),
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
        ("steps: [{image: x, when: {branch: '[a'}}]", 'the glob "[a" has a [ without its ], so it matches nothing'),
        ("steps: [{image: x, when: {event: pushed}}]", "(did you mean `push`?)"),
        ("steps: [{image: x, when: {status: ok}}]", '`steps[0].when.status` must be success or failure, not "ok"'),
        ("steps: [{image: x, when: push}]", 'must be a map with the keys of a condition, not "push"'),
        ("steps: [{image: x, retry: 0}]", '`steps[0].retry` must be a whole number from 1 to 10, not'),
        ("steps: [{image: x, retry: {attempts: 2, on: oops}}]", "must be failure, timeout, oom, error or lost"),
        ("steps: [{image: x, resources: {memory: lots}}]", "must be a size such as 512M or 2G"),
        ("steps: [{image: x, resources: {cpus: 0}}]", "must be a number above zero such as 1.5"),
        ("steps: [{image: x, outputs: a-b}]", "`steps[0].outputs` must be letters, digits and _"),
        ("steps: [{image: x, pull: sometimes}]", "must be always, missing or never"),
        ("steps: [{build: {args: {A: b}}}]", "has no `context`, which a build needs"),
        ("steps: [{build: ../x}]", "`steps[0].build` leads out of the workspace"),
        ("steps: [{build: {context: ., dockerfile: /x}}]", "`steps[0].build.dockerfile` must be relative"),
        ("steps: [{build: {context: ., args: {A: {from_secret: b}}}}]", "may hold no secret, as 'A' does"),
        ("steps: [{image: x, build: .}]", "has an `image` and a `build`"),
        ("steps: [{build: ''}]", "`steps[0].build` is empty"),
        ("steps: [{image: x, healthcheck: {command: c}}]", '"healthcheck" is not a key of a step'),
        ("steps: [{image: x, when: {matrix: [a]}}]", "must be a map from names to a glob"),
        ("steps: [{image: x, when: {path: {on_empty: x}}}]", "must be true or false"),
        ("steps: [{image: x, when: {evaluate: 'CI =='}}]", "the expression "),
        (STEP + "matrix: [a]", "`matrix` must be a map from axes to lists"),
        (STEP + "matrix: {A: b}", "`matrix.A` must be a list of values"),
        (STEP + "matrix: {A: [[b]]}", "`matrix.A[0]` must be text, not a list"),
        (STEP + "concurrency: 0", "`concurrency` must be a whole number from 1"),
        (STEP + "concurrency: {group: x}", "has no `limit`, which a concurrency needs"),
        (STEP + "params: {a-b: {}}", "must be letters, digits and _"),
        (STEP + "clone: {disable: true}", "`clone.disable` must be a map with the keys of a step"),
        (STEP + "clone: {git: {settings: {ssh-key: x}}}", "Headrace checks out by itself, without this"),
        ("steps: [{image: x, environment: {A=B: c}}]", '"A=B" can\'t be the name of a variable'),
        ("steps: [{image: x, environment: {A: {from_secret: [b]}}}]", "must be {from_secret: NAME} and nothing else"),
        ("steps: [{image: x, shell: bash}]", "`steps[0].shell` reads the `commands` of a step without `entrypoint`"),
        ("steps: [{image: x, shell: bash, commands: c, entrypoint: e}]", "and there are none (write `commands`"),
        ("steps: [{image: x, detach: true, retry: 2}]", "`steps[0].retry` has no meaning with `detach`"),
        ("steps: [{image: x, detach: true, outputs: A}]", "`steps[0].outputs` has no meaning with `detach`"),
        ("steps: [{image: x, outputs: CI_COMMIT_SHA}]", "`steps[0].outputs` is a name of Headrace's own"),
        ("steps: [{image: x, settings: {a: b}, commands: c}]", "`settings`, which only the image's own program reads"),
        ("steps: [{image: x, script: a}]", '"script" is not a key of a step (write `commands`)'),
        ("steps: {a: {image: x}, b: {name: a, image: x}}", '1:27: the name "a" is taken (`steps.a` on line 1 has it)'),
        ("steps: {a: {image: x}}\nservices: {a: {image: x}}", 'the name "a" is taken (`services.a` on line 2 has it)'),
        ("services: [{image: x}]\nsteps: [{image: x}]", "1:12: `services[0]` has no `name`, which a service needs"),
        (STEP + "services: {s: {image: x, depends_on: a}}", '"depends_on" is not a key of a service (only steps have'),
        (STEP + "kind: pipeline", '"kind" is not a key of a workflow (this is a Drone file'),
        (STEP + "workspace: {base: work}", "`workspace.base` must be an absolute path below /, such as /work"),
        (STEP + "workspace: {path: ../x}", "`workspace.path` leads out of the workspace"),
        (STEP + "labels: [a]", "`labels` must be a map from names to text, not a list"),
        (STEP + '"\\e]8;;x\\a": 1', '"\\x1b]8;;x\\x07" is not a key of a workflow'),
        ("steps: [{image: x, depends_on: b}]", 'there is no step "b" to depend on'),
        ("steps: {build: {image: x}, test: {image: x, depends_on: biuld}}", "(did you mean `build`?)"),
        ("steps: {a: {image: x}, b: {image: x, depends_on: [a, a]}}", 'the step "a" is named twice'),
        ("steps: {a: {image: x, ports: [80]}}", '"ports" is not a key of a step (only services have this key)'),
        ("steps: {a: {image: x, cron: daily}}", '"cron" is not a key of a step (write it below `when`)'),
        ("steps: {a: {image: x, depends_on: a}}", "1:35: these steps wait for each other: a → a"),
    ],
)  # fmt: skip
def test_mistake_gives_one_problem_that_helps(text: str, line: str) -> None:
    assert line in str(only(text))
    assert only(text).level is Level.ERROR


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps:\n" + "- {image: x}\n" * 501, "`steps` has 501 entries; it may have 500"),
        (
            f"environment: {{A: {'v' * 40_000}}}\nsteps:\n" + "- {image: x}\n" * 220,
            "the workflow's `environment` makes more than 100,000 variables, for each step its own",
        ),
        (
            "steps:\n" + "".join(f"- {{image: x, when: {{ref: '{'{a,b}' * 7}{n}'}}}}\n" for n in range(80)),
            "the globs of this file have more than 30,000 characters, alternatives written out",
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
