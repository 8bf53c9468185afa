"""Granting: drafts, each with a problem at its place for every secret that it asks for and is not offered."""

from dataclasses import replace

from pipelines.drafts import Draft
from pipelines.jobs import planned_job
from pipelines.nodes import quoted
from pipelines.offers import Offers, refusals
from pipelines.report import Report


def with_offers(draft: Draft, offers: Offers) -> Draft:
    """The draft, with a problem for each secret that a step of it asks for and can't have."""
    if not draft.verdict.included or not draft.steps:  # it does not run, or nobody has judged its steps
        return draft
    report = Report(draft.workflow.file)
    clone = draft.workflow.clone.steps if draft.workflow.clone else ()
    places = {step.name: step for step in (*draft.workflow.services, *clone, *draft.workflow.steps)}
    for refused in refusals(planned_job(draft, frozenset(), number=1), offers):
        place = places[refused.step]
        message = f"step {quoted(refused.step)} can't have the secret {quoted(refused.secret)}: {refused.reason}"
        report.add(place.position, place.path, message, hint=offers.hint)
    return replace(draft, problems=(*draft.problems, *report.problems))
