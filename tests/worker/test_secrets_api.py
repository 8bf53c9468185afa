"""Secrets over the API: their values go in and never come out."""

import pytest

from tests.worker.conftest import Service

CANARY = "hunter2-the-canary"


def test_stored_secret_is_told_without_its_value(service: Service) -> None:
    service.add_repository()
    answer = service.client.put(
        "/api/secrets/TOKEN",
        params={"scope": "repository:acme/web"},
        json={"value": CANARY, "events": ["tag", "tag"], "images": ["acme/deploy"]},
    )
    assert answer.status_code == 200, answer.text
    stored = answer.json()
    assert {key: stored[key] for key in ("name", "level", "of", "events", "images", "warning")} == {
        "name": "token", "level": "repository", "of": "acme/web", "events": ["tag"], "images": ["acme/deploy"],
        "warning": "",
    }  # fmt: skip
    listed = service.client.get("/api/secrets")
    assert [secret["name"] for secret in listed.json()["secrets"]] == ["token"]
    assert CANARY not in answer.text + listed.text


def test_without_a_word_it_is_for_everybody_and_all_events_but_pull_requests(service: Service) -> None:
    stored = service.client.put("/api/secrets/a", json={"value": "abc"}).json()
    assert (stored["level"], stored["of"]) == ("global", "")
    assert stored["events"] == ["push", "tag", "release", "deployment", "cron", "manual"]
    assert "not hidden in logs" in stored["warning"]


def test_list_for_a_repository_has_what_reaches_it(service: Service) -> None:
    service.add_repository()
    for params in ({"scope": "repository:acme/web"}, {"scope": "owner:acme"}, {"scope": "owner:other"}, {}):
        assert service.client.put("/api/secrets/a", params=params, json={"value": CANARY}).status_code == 200

    def of(**params: str) -> list[str]:
        return [secret["of"] for secret in service.client.get("/api/secrets", params=params).json()["secrets"]]

    assert of(scope="repository:acme/web") == ["", "acme", "acme/web"]
    assert of(scope="owner:other") == ["other"]
    assert len(of()) == 4


def test_removed_secret_is_gone(service: Service) -> None:
    service.client.put("/api/secrets/a", json={"value": CANARY})
    assert service.client.delete("/api/secrets/A").status_code == 204
    assert service.client.delete("/api/secrets/A").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/secrets/a b", {"value": CANARY}),
        ("/api/secrets/a", {"value": CANARY + "\0"}),
        ("/api/secrets/a", {"value": CANARY * 10_000}),
        ("/api/secrets/a", {"value": [CANARY]}),
        ("/api/secrets/a", {"value": CANARY, "events": ["nonsense"]}),
        ("/api/secrets/a", {"value": CANARY, "events": []}),
        ("/api/secrets/a", {"value": CANARY, "images": ["a b"]}),
        ("/api/secrets/a?scope=everywhere", {"value": CANARY}),
    ],
)
def test_what_can_not_be_stored_is_refused_without_a_word_of_the_value(
    service: Service, path: str, body: object, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = service.client.put(path, json=body)
    assert answer.status_code == 400
    assert CANARY not in answer.text
    assert CANARY not in "".join(capsys.readouterr())
    assert service.client.get("/api/secrets").json()["secrets"] == []


def test_secret_of_an_unknown_repository_is_answered_404(service: Service) -> None:
    answer = service.client.put("/api/secrets/a?scope=repository:no/no", json={"value": CANARY})
    assert answer.status_code == 404


def test_there_is_no_way_to_read_a_value(service: Service) -> None:
    service.client.put("/api/secrets/a", json={"value": CANARY})
    assert service.client.get("/api/secrets/a").status_code in (404, 405)
