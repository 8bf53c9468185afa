"""What workers say of themselves, and whether they may take what asks for some of it."""

import pytest

from worker.errors import SettingsError
from worker.waiting.labels import as_text, meets, worker_labels

OWN = {"backend": "docker", "hostname": "h", "platform": "linux/amd64", "repo": "*"}


def labels(*given: str) -> dict[str, str]:
    return worker_labels(given, host="h", platform="linux/amd64")


def test_every_worker_says_where_it_is_and_what_it_is() -> None:
    assert labels() == OWN
    assert labels("gpu=true", "repo=acme/web") == OWN | {"gpu": "true", "repo": "acme/web"}


@pytest.mark.parametrize(
    ("worker", "asked", "may"),
    [
        ((), {}, True),
        ((), {"platform": "linux/amd64"}, True),
        ((), {"platform": "linux/arm64"}, False),
        ((), {"gpu": "true"}, False),
        (("gpu=true",), {"gpu": "true"}, True),
        (("gpu=true",), {"gpu": "false"}, False),
        (("gpu=true",), {}, True),
        (("gpu=*",), {"gpu": "a100"}, True),
        (("gpu=true",), {"gpu": "*"}, False),
        (("!gpu=true",), {}, False),
        (("!gpu=true",), {"gpu": "true", "platform": "linux/amd64"}, True),
        (("!gpu=true",), {"gpu": "false"}, False),
        (("repo=acme/web",), {"repo": "acme/web"}, True),
        (("repo=acme/web",), {"repo": "acme/other"}, False),
        ((), {"repo": "acme/web"}, True),
    ],
)
def test_worker_has_all_that_is_asked_for(worker: tuple[str, ...], asked: dict[str, str], *, may: bool) -> None:
    assert meets(labels(*worker), asked) is may


@pytest.mark.parametrize("text", ["gpu", "=x", "gpu=", "a b=c", "gpu=tr ue", "!=x", "gpu=x\n"])
def test_label_that_is_none_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(SettingsError, match="expected NAME=VALUE"):
        labels(text)


def test_labels_read_as_they_are_written() -> None:
    assert as_text({"platform": "linux/arm64", "gpu": "true"}) == "gpu=true, platform=linux/arm64"
