"""What is told of a pull: how far it is, and what an engine's words about its failure mean."""

from collections.abc import Mapping
from typing import Any

import pytest

from runner.engine.progress import Progress
from runner.engine.verdict import judge


def message(layer: str, status: str, current: int = 0, total: int = 0) -> Mapping[str, Any]:
    detail = {"current": current, "total": total} if total else {}
    return {"id": layer, "status": status, "progressDetail": detail}


def told(*messages: Mapping[str, Any]) -> str:
    progress = Progress()
    for each in messages:
        progress.take(each)
    return str(progress.standing)


def test_before_the_first_layer_the_registry_is_waited_for() -> None:
    assert told({"status": "Pulling from library/node", "id": "24"}) == "waiting for the registry"


def test_bytes_are_of_a_whole_only_once_that_is_known() -> None:
    begun = (message("a", "Already exists"), message("b", "Pulling fs layer"), message("c", "Pulling fs layer"))
    first = message("b", "Downloading", 10_000_000, 40_000_000)
    second = message("c", "Downloading", 2_500_000, 5_000_000)
    assert told(*begun) == "1 of 3 layers"
    assert told(*begun, first) == "1 of 3 layers, 10.0 MB"
    assert told(*begun, first, second) == "1 of 3 layers, 12.5 MB of 45.0 MB"


def test_a_layer_that_is_unpacked_counts_as_downloaded_and_a_complete_one_as_done() -> None:
    download = message("a", "Downloading", 1_000_000, 4_000_000)
    assert told(download, message("a", "Extracting", 100, 4_000_000)) == "0 of 1 layers, 4.0 MB of 4.0 MB"
    assert told(download, message("a", "Pull complete")) == "1 of 1 layers, 4.0 MB of 4.0 MB"


def test_other_news_are_no_layers() -> None:
    assert told({"status": "Digest: sha256:ab"}, message("latest", "Pulling from a")) == "waiting for the registry"


MISSING = "the registry r.io has no such image"
WANTS = "the registry r.io wants a login (type: docker login r.io)"
REFUSES = "the registry r.io refuses the login that Docker's configuration has for it"


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("manifest for r.io/a:1 not found: manifest unknown: manifest unknown", 404, MISSING),
        ("manifest unknown", 500, MISSING),
        (
            "pull access denied for a, repository does not exist or may require 'docker login': denied",
            404,
            f"{MISSING}, or wants a login (type: docker login r.io)",
        ),
        ('Head "https://r.io/v2/a/manifests/1": no basic auth credentials', 500, WANTS),
        ('Head "https://r.io/v2/a/manifests/1": denied', 500, WANTS),
        ("unauthorized: authentication required", 500, REFUSES),
        ("error from registry: denied", 403, REFUSES),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            0,
            "there is none for linux/arm64/v8, which is what this machine runs",
        ),
        (
            'docker://r.io/a: no image found in manifest list for architecture arm64, variant "v8", OS linux',
            500,
            "there is none for arm64, which is what this machine runs",
        ),
        (
            "no match for platform in manifest: not found",
            404,
            "there is none for this machine's kind of processor",
        ),
        (
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            0,
            "there is no space left on the container engine's disk",
        ),
        (
            'Get "https://r.io/v2/": dial tcp: lookup r.io: no such host',
            500,
            "the registry r.io is no use: no such host",
        ),
        (
            'Get "https://r.io/v2/": http: server gave HTTP response to HTTPS client',
            500,
            "the registry r.io is no use: server gave HTTP response to HTTPS client",
        ),
    ],
)
def test_what_another_try_would_not_change_is_said_at_once(text: str, status: int, words: str) -> None:
    verdict = judge(text, status, "r.io", had_login=words == REFUSES)
    assert (verdict.words, verdict.is_final) == (words, True)


@pytest.mark.parametrize(
    "text",
    [
        "received unexpected HTTP status: 502 Bad Gateway",
        'Get "https://r.io/v2/": dial tcp 10.0.0.1:443: connect: connection refused',
        'Get "https://r.io/v2/": net/http: TLS handshake timeout',
        "unexpected EOF",
        "something that no registry has said before",
    ],
)
def test_all_else_may_pass(text: str) -> None:
    verdict = judge(text, 500, "r.io", had_login=False)
    assert (verdict.words, verdict.is_final) == (f"it can't be pulled: {text}", False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("toomanyrequests: You have reached your pull rate limit.", None),
        ("toomanyrequests: retry-after: 1.5s, allowed: 44000/minute", 1.5),
        ("toomanyrequests: retry-after: 250ms, allowed: 44000/minute", 0.25),
        ("toomanyrequests: Retry-After: 2m3s", 123.0),
        ("received unexpected HTTP status: 429 Too Many Requests; retry-after: 7", 7.0),
    ],
)
def test_too_many_requests_pass_once_the_registry_says_so(text: str, seconds: float | None) -> None:
    verdict = judge(text, 500, "r.io", had_login=True)
    assert verdict.words == f"the registry r.io has had too many requests from here: {text}"
    assert not verdict.is_final
    assert verdict.retry_after_seconds == (pytest.approx(seconds) if seconds else None)
