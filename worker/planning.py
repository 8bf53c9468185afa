"""The planning of a run: mirror → workflow files at the commit → Plan."""

import msgspec
import structlog

from pipelines.choice import unknown_choice
from pipelines.event import Event
from pipelines.files import no_workflow, workflow_directories, workflow_paths
from pipelines.plan import Plan
from pipelines.planner import make_plan
from pipelines.reading.library import Library
from pipelines.records import RunFinished, RunStarted
from pipelines.status import Status
from pipelines.wanted import is_asked_for, skips_ci
from runner.errors import RunnerError
from runner.events import this_system
from runner.scribe import Scribe
from runner.source.changes import changed_files
from runner.source.mirror import Mirror
from runner.source.mirrors import read_from
from runner.stop import Stop
from worker.checkout import planning_mirror
from worker.errors import ServiceError
from worker.libraries import libraries_of
from worker.order import PlanOrder
from worker.secrets.entrusted import Entrusted
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings

log = structlog.get_logger()


def plan_run(settings: Settings, order: PlanOrder, scribe: Scribe, stop: Stop) -> None:
    """Tell the Scribe of the run's Plan, or that the run ends without one, and why."""
    log.info("planning")
    try:
        entrusted = Entrusted.opened(order.sealed, order.task, open_keyring(settings))
        told = read_from(
            lambda: planning_mirror(settings, order, entrusted, stop), lambda mirror: _read_plan(mirror, order)
        )
        if isinstance(told, Plan):
            scribe.write(RunStarted, plan=told)
        else:
            _finish(scribe, *told)
    except (RunnerError, ServiceError) as error:
        _give_up_planning(scribe, stop, error)
    except Exception as error:
        log.exception("planning broke")
        _finish(scribe, Status.ERROR, f"Headrace itself failed while planning: {error!r}")


def _read_plan(mirror: Mirror, order: PlanOrder) -> Plan | tuple[Status, str]:
    """The commit's plan, or what its run is without one, and why."""
    event = _with_what_git_knows(mirror)
    if skips_ci(event):
        return Status.SKIPPED, "the commit message says to skip CI"
    paths = workflow_paths(mirror.paths(*workflow_directories()))
    if not paths:
        return Status.ERROR, no_workflow(f"commit {event.sha[:12]}")
    if unknown := unknown_choice(event, paths):
        return Status.ERROR, unknown
    includable = libraries_of(mirror, event)
    plan = _planned(mirror, paths, event, order, includable.own)
    if not is_asked_for(event, (*(mirror.contents(path) for path in paths), *includable.texts.values())):
        return Status.SKIPPED, f"no workflow asks for {event.kind}"
    return plan


def _give_up_planning(scribe: Scribe, stop: Stop, error: RunnerError | ServiceError) -> None:
    """Say why there is no plan; but where this worker was killed, let another one try."""
    log.warning("can't plan", error=str(error))
    if not stop.requested:
        _finish(scribe, Status.ERROR, str(error))
    elif stop.status is not Status.LOST:
        _finish(scribe, stop.status, stop.reason)


def _planned(mirror: Mirror, paths: tuple[str, ...], event: Event, order: PlanOrder, library: Library) -> Plan:
    return make_plan(
        {path: mirror.contents(path) for path in paths},
        event,
        library=library,
        secrets=order.secrets,
        trust=frozenset(order.trust),
        privileged_plugins=order.privileged_plugins,
    )


def _with_what_git_knows(mirror: Mirror) -> Event:
    event, facts = mirror.event, mirror.commit_facts()
    return msgspec.structs.replace(
        event,
        message=event.message or facts.message,
        author=event.author or facts.author,
        author_email=event.author_email or facts.author_email,
        changed_files=changed_files(mirror),
        timestamp=event.timestamp or facts.timestamp,
        system=msgspec.structs.replace(event.system, platform=this_system().platform),
    )


def _finish(scribe: Scribe, status: Status, reason: str) -> None:
    scribe.write(RunFinished, status=status, reason=reason, duration_ms=0)
