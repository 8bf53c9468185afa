"""The planner: workflow files and an event become a Plan, in which nothing is left to decide."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from pipelines import rules
from pipelines.choice import chosen
from pipelines.drafts import Draft, draft, unjudged, without_filtered
from pipelines.event import Event
from pipelines.granting import with_offers
from pipelines.jobs import planned_job
from pipelines.offers import Offers
from pipelines.params import misfits, undeclared
from pipelines.plan import Plan, PlannedJob
from pipelines.plugins import with_privileges
from pipelines.problems import Level, Problem, has_errors
from pipelines.reading.library import NOTHING, Library
from pipelines.readings import CellReading, FileReading, Setting, read_for, setting
from pipelines.unacted import unacted

_NO_VARIABLES: Mapping[str, str] = {}


def make_plan(
    files: Mapping[str, bytes],
    event: Event,
    *,
    trust: frozenset[str] = frozenset(),
    library: Library = NOTHING,
    variables: Mapping[str, str] = _NO_VARIABLES,
    secrets: Offers | None = None,
    privileged_plugins: Iterable[str] = (),
) -> Plan:
    """The plan of these workflow files (path → bytes) for an event. Never raises: problems are in the plan.

    `trust` holds what an administrator trusts the repository with (volumes, security, network), `library` the
    files that workflows may include, `variables` global ones, known to `${NAME}`, `evaluate` and every step,
    `secrets` what the run may have of them; where nobody knows, every step may have what it asks for.
    Plugins of the images in `privileged_plugins` run privileged.

    Jobs are sorted by workflow and cell, those that don't run among them. A file with errors gives no job.
    """
    run = setting(event, trust=trust, library=library, variables=variables)
    readings = sorted((read_for(run, files[file], file) for file in files), key=lambda each: (each.name, each.file))
    all_drafts = (_draft(reading, cell, run) for reading in readings for cell in reading.cells)
    drafts = without_filtered(chosen(all_drafts, event.workflows))
    if secrets is not None:
        drafts = tuple(with_offers(each, secrets) for each in drafts)
    workflows = [each.workflow for each in drafts]
    together = rules.check_together(workflows, {each.file: each.name for each in readings})
    running = [each.workflow for each in drafts if each.verdict.included]
    between = (*together, *undeclared(workflows, event), *misfits(running, event))
    broken = {
        *(reading.file for reading in readings if has_errors(reading.problems)),
        *(each.workflow.file for each in drafts if has_errors(each.problems)),
        *(problem.file for problem in between if problem.level is Level.ERROR),
    }
    sound = [each for each in drafts if each.workflow.file not in broken]
    jobs = tuple(with_privileges(job, privileged_plugins) for job in _jobs(sound, drafts))
    problems = _all_problems(readings, between, drafts, unacted(sound, event))
    return Plan(event=event if has_errors(problems) else _noting(event, readings), jobs=jobs, problems=problems)


def _noting(event: Event, readings: Iterable[FileReading]) -> Event:
    """The event with the commits of other repositories that its plan was made with.

    Of a plan with errors nothing runs, so whoever mends them in the other repository may have the run planned anew.
    """
    included = dict.fromkeys(each for reading in readings for each in reading.included)
    return replace(event, included=tuple(included))


def _draft(reading: FileReading, cell: CellReading, run: Setting) -> Draft:
    """A file with errors gives no job, so nobody need know what the event makes of it."""
    return unjudged(cell, run) if has_errors(reading.problems) else draft(cell, run)


def _jobs(sound: Iterable[Draft], drafts: Iterable[Draft]) -> Iterator[PlannedJob]:
    """The jobs of sound drafts; those that run are numbered from 1."""
    running = frozenset(each.workflow.name for each in drafts if each.verdict.included)
    number = 0
    for each in sound:
        number += each.verdict.included
        yield planned_job(each, running, number=number if each.verdict.included else 0)


def _all_problems(
    readings: Iterable[FileReading], between: Iterable[Problem], drafts: Iterable[Draft], idle: Iterable[Problem]
) -> tuple[Problem, ...]:
    """Each once: those of the files, then those between them, what came up for this event, and what does nothing."""
    of_files = (problem for reading in readings for problem in reading.problems)
    of_drafts = (problem for each in drafts for problem in each.problems)
    return tuple(dict.fromkeys((*of_files, *between, *of_drafts, *idle)))
