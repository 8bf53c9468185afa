"""JobContext: what all steps of a job share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.pulls import PullProgress
from pipelines.records import ImagePull
from pipelines.status import Status
from runner.environment import step_environment
from runner.results.artifacts import ArtifactStore
from runner.results.mask import Mask
from runner.results.outputs import JobOutputs
from runner.results.steplog import Flusher, StepLog
from runner.scribe import Scribe
from runner.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One job, where its Records go and what is hidden in them. `secrets` are by name in lower case.

    `outputs` are what its steps have written so far for those after them, `earlier` how many attempts at each step
    there were before the job began anew.
    """

    job: PlannedJob
    scribe: Scribe
    artifacts: ArtifactStore
    secrets: Mapping[str, str]
    mask: Mask
    flusher: Flusher
    log_limit_bytes: int
    earlier: Mapping[str, int] = field(default_factory=dict)
    outputs: JobOutputs = field(default_factory=JobOutputs)

    def environment(self, step: PlannedStep, *, started: int, job_status: Status, attempt: int = 1) -> dict[str, str]:
        """The variables of one attempt at a step, counted since the job began. `started` is in seconds since 1970."""
        return step_environment(
            self.job,
            step,
            started=started,
            job_status=job_status,
            attempt=attempt + self.earlier.get(step.name, 0),
            secrets=self.secrets,
            outputs=self.outputs.variables(),
        )

    def tell_pull(self, image: str, steps: tuple[str, ...], progress: PullProgress) -> None:
        """Record how far the pull of an image is, which these steps want."""
        self.scribe.write(ImagePull, job=self.job.name, image=image, steps=steps, progress=progress)

    def log(self, step: PlannedStep, stop: Stop) -> StepLog:
        """A new log of a step. A broken Sink requests `stop`."""
        return StepLog(
            self.scribe,
            self.flusher,
            self.mask,
            job=self.job.name,
            step=step,
            stop=stop,
            limit_bytes=self.log_limit_bytes,
        )
