"""Offers: which secrets a run may have, and which of its steps. Names and limits only, never a value.

The server asks here, too, and plans nothing: so this knows plans, and not how they are made (that does `granting`).

DESIGN. A secret that is limited to images is for those programs and for nobody else, so it goes to plugin steps alone,
and only to those that `plugins` says are told by their settings what to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from pipelines.details import SecretReference, references
from pipelines.images import is_image
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.plugins import is_told_by_settings_alone


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may have of one secret: nothing, for the reason in `refusal`, or it, for plugins of these `images`.

    Without `images` every step may have it. `name` is in lower case.
    """

    name: str
    images: tuple[str, ...] = ()
    refusal: str = ""

    def refusal_for(self, step: PlannedStep, job: PlannedJob) -> str:
        """Why this step can't have it, or `""`."""
        if self.refusal or not self.images:
            return self.refusal
        if not is_told_by_settings_alone(step, job):
            return f"it is for plugins of {' or '.join(self.images)} that have settings and no variables"
        if not any(is_image(step.image, allowed) for allowed in self.images):
            return f"it is for {' or '.join(self.images)}, not for {step.image}"
        return ""


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """All secrets that a run can name, each once. `hint` says what to do about one that is missing."""

    each: tuple[Offer, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A step that asks for a secret which it can't have, and why. `secret` is as the step writes it."""

    step: str
    secret: str
    reason: str


def refusals(job: PlannedJob, offers: Offers) -> Iterator[Refusal]:
    """What the steps of a job that runs ask for and can't have."""
    offered = {offer.name: offer for offer in offers.each}
    for step in _containers(job):
        for secret in _secrets_of(step):
            offer = offered.get(secret.lower())
            reason = offer.refusal_for(step, job) if offer else "there is none of that name"
            if reason:
                yield Refusal(step=step.name, secret=secret, reason=reason)


def secrets_of(job: PlannedJob) -> frozenset[str]:
    """The names, in lower case, of the secrets that a job's steps ask for."""
    return frozenset(secret.lower() for step in _containers(job) for secret in _secrets_of(step))


def _containers(job: PlannedJob) -> Iterator[PlannedStep]:
    return (step for step in (*job.services, *job.steps) if job.included and step.included)


def _secrets_of(step: PlannedStep) -> tuple[str, ...]:
    arguments = step.build.args if step.build else {}
    values = (*step.environment.values(), *step.settings.values(), *arguments.values())
    found: list[SecretReference] = [reference for value in values for reference in references(value)]
    return tuple(dict.fromkeys(reference.from_secret for reference in found))
