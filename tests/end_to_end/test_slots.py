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
    commands: sleep 300
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
    wait_until(lambda: [job["waits_for"] for job in halves.run(run_id)["jobs"]] == [phrase, phrase])
    special = halves.worker("--slots", "2", "--label", "gpu=true")
    wait_until(lambda: _statuses(halves, run_id) == ["running", "running"], what="both run at once")
    assert len(halves.get("/api/workers").json()["workers"]) == 3
    assert halves.cancel(run_id).is_success
    halves.finished_run(run_id)
    assert special.end() == 0
    assert plain.end() == 0
    wait_until(lambda: halves.get("/api/workers").json()["workers"] == [], what="those that leave say so")


def _statuses(service: Service, run_id: str) -> list[str]:
    return [step["status"] for job in service.run(run_id)["jobs"] for step in job["steps"]]
