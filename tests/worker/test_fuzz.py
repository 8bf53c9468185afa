"""The API against its own description: whatever the document allows, and what it doesn't, is answered as it says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from pipelines.status import Status
from tests.worker.access.test_matrix import TABLE
from tests.worker.conftest import Service, job, serving, step
from worker.store import deliveries, repositories
from worker.store.deliveries import Delivery, Verdict

AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]
EXAMPLES = 12
# One takes away tokens that it knows of, as test_matrix.py does; one wants parameters refused that mean nothing.
OTHERS = [ignored_auth, negative_data_rejection]
# Whether a text is a key, and a clone URL takes one, which fields exclude each other, which words are reserved, which
# dates and time zones there are: no document can say.
_OF_REPOSITORY = "/api/repositories/{owner}/{name}"
UNDESCRIBED = {
    "POST /api/repositories",
    f"PATCH {_OF_REPOSITORY}",
    "POST /api/accounts",
    "POST /api/tokens",
    "PUT /api/registries/{registry}",
    "DELETE /api/registries/{registry}",
    f"PUT {_OF_REPOSITORY}/credentials/{{kind}}",
    f"PUT {_OF_REPOSITORY}/retention",
    f"POST {_OF_REPOSITORY}/runs",
    f"POST {_OF_REPOSITORY}/runs/{{number}}/deploy",
    f"POST {_OF_REPOSITORY}/schedules",
    f"PATCH {_OF_REPOSITORY}/schedules/{{schedule}}",
}
LABELS = [re.sub(r":\w+}", "}", route) for route in TABLE if route.split(" ")[1].startswith(("/api/", "/hooks/"))]
LABELS = [
    label for label in LABELS if label not in ("GET /api/docs", "GET /api/openapi.json") and "{rest}" not in label
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    url = request.getfixturevalue("postgresql").new_database() if request.param == "postgresql" else None
    with serving(tmp_path_factory.mktemp("fuzz"), database_url=url) as running:
        yield running


@pytest.fixture(scope="module")
def known(service: Service) -> dict[str, str]:
    """The names of what is there, by the parameters that they stand for: a run that has ended, and its parts."""
    story = service.add_run(service.add_repository())
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.start_step("build", "make")
    story.log("build", "make", 1, "one", "two")
    story.finish_step("build", "make")
    story.finish_job("build", Status.SUCCESS)
    nightly = {"name": "nightly", "cron": "@daily"}
    assert service.client.post("/api/repositories/acme/web/schedules", json=nightly).status_code == 201
    names = {"forge": "git", "number": str(add_delivery(service)), "owner": "acme", "name": "web"}
    names |= {"job": "build", "step": "make", "artifact_id": "1"}
    return {
        **names,
        "run_id": story.run.id,
        "schedule": "nightly",
        "kind": "forge_token",
        "registry": "registry.example.org",
        "account": "nobody",
    }


def add_delivery(service: Service) -> int:
    body = b'{"ref": "refs/heads/main", "before": "%b", "after": "%b"}' % (b"0" * 40, b"a" * 40)
    delivery = Delivery(key="k1", headers={"webhook-id": "k1"}, payload=body, size_bytes=len(body))
    with service.database.write() as connection:
        repository = repositories.named(connection, "acme", "web")
        return deliveries.keep(connection, repository, delivery, Verdict.ACCEPTED, status_code=202)


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[str, AnyOperation]:
    document = service.client.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.url)
    results: list[Any] = list(schema.get_all_operations())
    return {operation.label: operation for operation in (result.ok() for result in results)}


def test_document_has_every_route_of_the_api(operations: dict[str, AnyOperation]) -> None:
    assert sorted(operations) == sorted(LABELS)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("label", LABELS)
def test_answers_are_as_the_document_says(
    label: str, mode: GenerationMode, operations: dict[str, AnyOperation], service: Service, known: dict[str, str]
) -> None:
    """Asked with what the document allows and with what it doesn't, and again with the names of what is there."""
    headers = {"authorization": f"Bearer {service.token}"}
    if mode.is_negative and label.startswith("POST /hooks"):
        return  # its document forbids nothing: what a forge sends is not ours to describe

    excluded = [*OTHERS, *([positive_data_acceptance] if label in UNDESCRIBED else [])]

    @given(case=operations[label].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def ask(case: AnyCase) -> None:
        case.call_and_validate(headers=headers, excluded_checks=excluded)
        case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    ask()
