"""Policies: what their text means, and that it comes back."""

import pytest

from worker.errors import Malformed, SettingsError
from worker.retention.policy import FOREVER, Policy
from worker.settings import Settings


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", Policy()),
        ("runs=90d", Policy(runs_days=90)),
        ("runs_per_branch=20, runs_count=1000", Policy(runs_per_branch=20, runs_count=1000)),
        (
            "deliveries_count=1000 deliveries_size=1GiB",
            Policy(deliveries_count=1000, deliveries_bytes=2**30),
        ),
        ("logs=forever artifacts=1d deliveries=30d", Policy(logs_days=FOREVER, artifacts_days=1, deliveries_days=30)),
        ("files=20GiB", Policy(files_bytes=20 * 2**30)),
        ("files=1500", Policy(files_bytes=1500)),
        ("files=3k", Policy(files_bytes=3072)),
    ],
)
def test_text_says_what_is_kept_and_comes_back(text: str, policy: Policy) -> None:
    assert Policy.parse(text) == policy
    assert Policy.parse(str(policy)) == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("runs", "runs is '': expected days such as 90d, forever or default"),
        ("runs=90", "runs is '90': expected days such as 90d"),
        ("runs=0d", "runs is '0d'"),
        ("runs=99999d", "runs is '99999d'"),
        ("runs_count=-1", "runs_count is '-1': expected a number such as 100"),
        ("files=much", "files is 'much': expected a size such as 20GiB"),
        ("run=1d", "'run=1d' is no rule of retention: expected RULE=VALUE"),
        ("runs=1d runs=2d", "'runs=2d' is no rule"),
    ],
)
def test_rule_that_can_not_be_meant_is_named(text: str, said: str) -> None:
    with pytest.raises(Malformed) as raised:
        Policy.parse(text)
    assert said in str(raised.value)


def test_repository_says_more_than_the_server_and_for_ever_is_a_word_of_its_own() -> None:
    server = Policy(runs_days=90, logs_days=30)
    assert Policy(runs_days=FOREVER, artifacts_days=7).over(server) == Policy(
        runs_days=FOREVER, logs_days=30, artifacts_days=7
    )


def test_setting_that_can_not_be_meant_is_named() -> None:
    assert Settings.build({"HEADRACE_RETENTION": "logs=7d"}).retention == Policy(logs_days=7)
    with pytest.raises(SettingsError, match=r"^HEADRACE_RETENTION: logs is .week.: expected days such as 90d"):
        Settings.build({"HEADRACE_RETENTION": "logs=week"})
