"""Several workers of one machine: jobs of one run go to any of them that has their labels."""

from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = """
{labels}
steps:
  - name: wait
    image: {image}
    commands: sleep 4
"""


def test_jobs_of_one_run_are_spread_over_slots_once_a_worker_has_their_labels(
    halves: Service, tmp_path: Path, busybox: str
) -> None:
    origin = Origin(tmp_path)
    halves.server()
    halves.add_repository(origin)
    asking = WORKFLOW.format(image=busybox, labels="labels: {gpu: 'true'}")
    files = {"_headrace__a_yaml": asking, "_headrace__b_yaml": asking}
    run_id = halves.run_of(origin.push(**files))
    assert halves.run(run_id)["waits_for"] == "for a worker; none is connected"
    plain = halves.worker()
    phrase = "for a worker with gpu=true; none is connected"
    wait_until(lambda: [job["waits_for"] for job in halves.run(run_id)["jobs"]] == [phrase, phrase], seconds=60)
    special = halves.worker("--slots", "2", "--label", "gpu=true")
    first, second = halves.finished_run(run_id)["jobs"]
    assert first["status"] == second["status"] == "success"
    assert max(first["started_at"], second["started_at"]) < min(first["finished_at"], second["finished_at"])
    assert len(halves.get("/api/workers").json()["workers"]) == 3
    assert special.end() == 0
    assert plain.end() == 0
    wait_until(lambda: halves.get("/api/workers").json()["workers"] == [], what="those that leave say so")
