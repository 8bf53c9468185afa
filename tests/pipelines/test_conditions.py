"""A `when` meets an event or doesn't, and says in one phrase why."""

import pytest

from pipelines.conditions import Verdict, judge
from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.status import Status
from pipelines.validate import read_workflow

PUSH = Event(ref="refs/heads/main", branch="main", repository=Repository(owner="o", name="n"))
FEATURE = Event(ref="refs/heads/dev/x", branch="dev/x")
TAG = Event(kind=EventKind.TAG, ref="refs/tags/v1")
PULL = Event(
    kind=EventKind.PULL_REQUEST,
    ref="refs/pull/1/head",
    branch="main",
    pull_request=PullRequest(number=1, source_branch="dev/x", target_branch="main"),
)


def verdict(when: str, event: Event = PUSH) -> Verdict:
    reading = read_workflow(f"steps: [{{image: x, when: {when}}}]".encode(), "a.yaml")
    assert reading.workflow is not None, reading.problems
    return judge(reading.workflow.steps[0].when, event)


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
