"""Several workers of one machine: jobs of one run go to any of them that has their labels."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = """
{labels}
steps:
  - name: wait
    image: {image}
    commands: sleep 4
"""


@pytest.fixture
def service(tmp_path: Path, redis: PrivateRedis) -> Iterator[Service]:
    service = Service(tmp_path, redis_url=redis.url)
    yield service
    service.end()


def test_jobs_of_one_run_are_spread_over_slots_once_a_worker_has_their_labels(
    service: Service, tmp_path: Path, busybox: str
) -> None:
    origin = Origin(tmp_path)
    service.server()
    service.add_repository(origin)
    asking = WORKFLOW.format(image=busybox, labels="labels: {gpu: 'true'}")
    files = {"_headrace__a_yaml": asking, "_headrace__b_yaml": asking}
    run_id = service.run_of(origin.push(**files))
    assert service.run(run_id)["waits_for"] == "for a worker; none is connected"
    plain = service.worker()
    phrase = "for a worker with gpu=true; none is connected"
    wait_until(lambda: [job["waits_for"] for job in service.run(run_id)["jobs"]] == [phrase, phrase], seconds=60)
    special = service.worker("--slots", "2", "--label", "gpu=true")
    first, second = service.finished_run(run_id)["jobs"]
    assert first["status"] == second["status"] == "success"
    assert max(first["started_at"], second["started_at"]) < min(first["finished_at"], second["finished_at"])
    assert len(service.get("/api/workers").json()["workers"]) == 3
    assert special.end() == 0
    assert plain.end() == 0
    wait_until(lambda: service.get("/api/workers").json()["workers"] == [], what="those that leave say so")
