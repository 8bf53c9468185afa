"""A worker plans from the mirror, at the commit, with the files that workflows include."""

from pathlib import Path

from pipelines.event import Event, Repository
from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository
from worker.exchange import PlanOrder
from worker.tasks import _planned


def test_included_file_is_read_at_the_commit_and_its_problems_name_it(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    (origin.path / "ci").mkdir()
    (origin.path / "ci/common.yaml").write_text("steps: {lint: {image: x, comands: make}}\n")
    workflow = "include: [ci/common.yaml, ci/nowhere.yaml]\nsteps: {test: {image: y}}\n"
    sha = origin.commit(**{".headrace.yaml": workflow})
    event = Event(
        repository=Repository(owner="o", name="n", clone_url=str(origin.path)), sha=sha, ref="refs/heads/main"
    )
    order = PlanOrder(task="t", run="r", event=event)
    plan = _planned(fetched(tmp_path / "mirrors", event), (".headrace.yaml",), event, order)
    missing, unknown = plan.problems
    assert (missing.file, missing.message) == (".headrace.yaml", 'there is no file "ci/nowhere.yaml" to include')
    assert (unknown.file, unknown.line, unknown.column) == ("ci/common.yaml", 1, 26)
