"""A `when` meets an event or doesn't, and says in one phrase why."""

from collections.abc import Mapping

import pytest

from pipelines.changedfiles import ChangedFiles
from pipelines.conditions import Verdict, judge
from pipelines.event import Event, EventKind, PullRequest, Repository, System
from pipelines.occasion import Occasion
from pipelines.report import Report
from pipelines.status import Status
from pipelines.validate import read_workflow

NONE: Mapping[str, str] = {}
PUSH = Event(ref="refs/heads/main", branch="main", repository=Repository(owner="o", name="n"))
FEATURE = Event(ref="refs/heads/dev/x", branch="dev/x")
TAG = Event(kind=EventKind.TAG, ref="refs/tags/v1")
PULL = Event(
    kind=EventKind.PULL_REQUEST,
    ref="refs/pull/1/head",
    branch="main",
    pull_request=PullRequest(number=1, source_branch="dev/x", target_branch="main"),
)


def verdict(
    when: str, event: Event = PUSH, *, matrix: Mapping[str, str] = NONE, variables: Mapping[str, str] = NONE
) -> Verdict:
    reading = read_workflow(f"steps: [{{image: x, when: {when}}}]".encode(), "a.yaml")
    assert reading.workflow is not None, reading.problems
    report = Report("a.yaml")
    occasion = Occasion(
        event=event, changes=ChangedFiles(event.changed_files or ()), matrix=matrix, variables=variables
    )
    found = judge(reading.workflow.steps[0].when, occasion, report)
    assert report.problems == ()
    return found


@pytest.mark.parametrize(
    ("when", "event", "reason"),
    [
        ("~", PUSH, "no `when`: always"),
        ("[]", PUSH, "no `when`: always"),
        ("{}", PUSH, "when: no conditions"),
        ("{event: push}", PUSH, "when: event is push"),
        ("[{event: tag}, {event: push, branch: m*}]", PUSH, "when[1]: event is push, branch is main"),
        ("{branch: [a, dev/*]}", FEATURE, "when: branch is dev/x"),
        ("{branch: main}", PULL, "when: branch is main"),
        ("{branch: main}", TAG, "when: branch holds for every tag"),
        ("{branch: {exclude: main}}", FEATURE, "when: branch is dev/x"),
        ("{ref: refs/tags/*}", TAG, "when: ref is refs/tags/v1"),
        ("{repo: o/*}", PUSH, "when: repo is o/n"),
        ("{status: failure, event: push}", PUSH, "when: event is push, runs after failure"),
        ("{status: [failure, success]}", PUSH, "when: runs after failure or success"),
    ],
)
def test_condition_that_holds_names_what_it_met(when: str, event: Event, reason: str) -> None:
    found = verdict(when, event)
    assert (found.included, found.reason) == (True, reason)


@pytest.mark.parametrize(
    ("when", "event", "reason"),
    [
        ("{event: [tag, cron]}", PUSH, "when: event is push, not tag or cron"),
        ("{event: pull_request}", PUSH, "when: event is push, not pull_request"),
        ("{branch: main}", FEATURE, "when: branch is dev/x, not main"),
        ("{branch: dev/*}", PULL, "when: branch is main, not dev/*"),
        ("{branch: dev}", FEATURE, "when: branch is dev/x, not dev"),
        ("{branch: {include: '**', exclude: dev/*}}", FEATURE, "when: branch is dev/x, excluded by dev/*"),
        ("{branch: main}", Event(), "when: branch is unknown, not main"),
        ("{ref: refs/heads/*}", FEATURE, "when: ref is refs/heads/dev/x, not refs/heads/*"),
        ("[{event: tag}, {branch: a}]", PUSH, "when[0]: event is push, not tag; when[1]: branch is main, not a"),
        ("{status: failure, branch: a}", PUSH, "when: branch is main, not a"),
    ],
)
def test_condition_that_fails_names_what_it_met_instead(when: str, event: Event, reason: str) -> None:
    found = verdict(when, event)
    assert (found.included, found.reason) == (False, reason)


CHANGED = ("docs/a.md", "src/b.py")
CRON = Event(kind=EventKind.CRON, branch="main", cron="nightly")
SERVED = Event(system=System(host="ci.example.org", platform="linux/amd64"))


def changed(*files: str, kind: EventKind = EventKind.PUSH, message: str = "") -> Event:
    return Event(kind=kind, changed_files=files, message=message)


@pytest.mark.parametrize(
    ("when", "event", "reason"),
    [
        ("{instance: ci.*.org}", SERVED, "when: instance is ci.example.org"),
        ("{platform: linux/*}", SERVED, "when: platform is linux/amd64"),
        ("{cron: night*}", CRON, "when: cron is nightly"),
        ("{cron: weekly}", PUSH, "when: cron holds for every push"),
        ("{local: true}", PUSH, "when: this run is not local"),
        ("{local: false}", PUSH, "when: this run is not local"),
        ("{local: true}", Event(local=True), "when: this run is local"),
        ("{path: docs/**}", changed(*CHANGED), "when: path docs/a.md matches docs/**"),
        ("{path: [lib/**, src/*]}", changed(*CHANGED), "when: path src/b.py matches src/*"),
        ("{path: {exclude: docs/**}}", changed(*CHANGED), "when: path src/b.py is not excluded"),
        ("{path: {include: docs/*, exclude: docs/*}}", changed(*CHANGED), "when: path docs/a.md matches docs/*"),
        ("{path: lib/**}", changed(), "when: path has no changed files, and on_empty is true"),
        ("{path: lib/**}", Event(), "when: path has unknown changed files, and on_empty is true"),
        ("{path: lib/**}", changed(*CHANGED, kind=EventKind.MANUAL), "when: path holds for every manual"),
        ("{path: lib/**}", changed(*CHANGED, kind=EventKind.TAG), "when: path holds for every tag"),
        (
            "{path: {include: lib/**, exclude: '**', ignore_message: '[ALL]'}}",
            changed(*CHANGED, message="Do it [all]"),
            'when: path holds, for the message says "[ALL]"',
        ),
    ],
)
def test_further_keys_that_hold_name_what_they_met(when: str, event: Event, reason: str) -> None:
    found = verdict(when, event)
    assert (found.included, found.reason) == (True, reason)


@pytest.mark.parametrize(
    ("when", "event", "reason"),
    [
        ("{instance: ci.*}", PUSH, "when: instance is unknown, not ci.*"),
        ("{platform: linux/*}", PUSH, "when: platform is unknown, not linux/*"),
        ("{cron: weekly}", CRON, "when: cron is nightly, not weekly"),
        ("{local: false}", Event(local=True), "when: this run is local"),
        ("{path: lib/**}", changed(*CHANGED), "when: path none of 2 changed files matches lib/**"),
        ("{path: lib/**}", changed("a"), "when: path a does not match lib/**"),
        ("{path: {exclude: '**'}}", changed("a"), "when: path a is excluded by **"),
        (
            "{path: {exclude: [docs/**, src/**]}}",
            changed(*CHANGED),
            "when: path docs/a.md, as all 2 changed files, is excluded by docs/**",
        ),
        (
            "{path: {include: x, on_empty: false}}",
            changed(),
            "when: path has no changed files, and on_empty is false",
        ),
        (
            "{path: lib/**}",
            changed(*CHANGED, kind=EventKind.PULL_REQUEST_CLOSED),
            "when: path none of 2 changed files matches lib/**",
        ),
        ("{branch: [a, b, c, d, e, f, g]}", PUSH, "when: branch is main, not a or b or c or d or e or 2 more"),
    ],
)
def test_further_keys_that_fail_name_what_they_met_instead(when: str, event: Event, reason: str) -> None:
    found = verdict(when, event)
    assert (found.included, found.reason) == (False, reason)


@pytest.mark.parametrize(
    ("when", "included", "reason"),
    [
        ("{matrix: {PY: '3.1*'}}", True, "when: matrix PY is 3.12"),
        ("{matrix: {PY: '3.1*', OS: a}}", False, "when: matrix PY is 3.12, OS is b, not PY=3.1*, OS=a"),
        ("{matrix: {DB: x}}", False, "when: matrix DB is unset, not DB=x"),
        ("{matrix: {DB: ''}}", True, "when: matrix DB is unset"),
        ("{matrix: {exclude: {PY: '3.12', OS: a}}}", True, "when: matrix PY is 3.12, OS is b"),
        (
            "{matrix: {exclude: {PY: '3.12', OS: b}}}",
            False,
            "when: matrix PY is 3.12, OS is b, excluded by PY=3.12, OS=b",
        ),
        (
            "{matrix: {include: {PY: '*'}, exclude: {OS: b}}}",
            False,
            "when: matrix PY is 3.12, OS is b, excluded by OS=b",
        ),
    ],
)
def test_matrix_is_judged_by_the_cell(when: str, *, included: bool, reason: str) -> None:
    found = verdict(when, matrix={"PY": "3.12", "OS": "b"})
    assert (found.included, found.reason) == (included, reason)


@pytest.mark.parametrize(
    ("when", "included", "reason"),
    [
        ("{evaluate: 'A == \"1\"'}", True, 'when: evaluate is true: A == "1"'),
        ("{evaluate: 'A  !=\n \"1\"'}", False, 'when: evaluate is false: A != "1"'),
        ("{event: push, evaluate: 'B == nil'}", True, "when: event is push, evaluate is true: B == nil"),
        ("{event: tag, evaluate: 'len(B) == 1'}", False, "when: event is push, not tag"),
    ],
)
def test_expression_is_judged_last_and_by_the_variables(when: str, *, included: bool, reason: str) -> None:
    found = verdict(when, variables={"A": "1"})
    assert (found.included, found.reason) == (included, reason)


def test_expression_without_an_answer_is_a_problem_in_its_place() -> None:
    reading = read_workflow(b"steps: [{image: x, when: {evaluate: 'len(A) == 1'}}]", "a.yaml")
    assert reading.workflow
    report = Report("a.yaml")
    found = judge(reading.workflow.steps[0].when, Occasion(event=PUSH, changes=ChangedFiles(())), report)
    assert (found.included, found.reason) == (False, "when: evaluate has no answer")
    (problem,) = report.problems
    assert (problem.line, problem.column, problem.path) == (1, 37, "steps[0].when.evaluate")
    assert problem.message == "the expression asks for the length of nil"


@pytest.mark.parametrize(
    ("when", "states"),
    [
        ("~", [Status.SUCCESS]),
        ("{event: push}", [Status.SUCCESS]),
        ("{status: failure}", [Status.FAILURE]),
        ("[{event: push}, {status: failure}]", [Status.SUCCESS, Status.FAILURE]),
        ("[{event: push}, {event: tag, status: failure}]", [Status.SUCCESS]),
        ("[{event: tag}, {status: failure}]", [Status.FAILURE]),
    ],
)
def test_only_maps_that_hold_say_after_which_state_a_step_runs(when: str, states: list[Status]) -> None:
    assert list(verdict(when).on) == states
