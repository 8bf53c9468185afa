"""Execute: carries out one job on a backend and tells a Scribe all that happens. The heart of the runner."""

import tarfile
import time
from collections.abc import Iterator, Mapping

from pipelines.plan import PlannedJob
from pipelines.records import JobFinished, JobStarted
from pipelines.status import Status
from runner.backend import Backend, Ticket, Tree
from runner.clock import milliseconds_since
from runner.jobcontext import JobContext
from runner.jobrun import JobRun
from runner.results.artifacts import ArtifactStore
from runner.results.mask import Mask
from runner.results.output import DEFAULT_LIMIT_BYTES
from runner.results.steplog import Flusher
from runner.scribe import Scribe
from runner.stop import Stop


def execute(  # noqa: PLR0913 - the runner's one entrance: eleven different things, eight of them by name
    job: PlannedJob,
    backend: Backend,
    scribe: Scribe,
    *,
    ticket: Ticket,
    tree: Tree,
    artifacts: ArtifactStore,
    secrets: Mapping[str, str] | None = None,
    stop: Stop | None = None,
    abort: Stop | None = None,
    log_limit_bytes: int = DEFAULT_LIMIT_BYTES,
    earlier: Mapping[str, int] | None = None,
) -> Status:
    """Carry out the job from its workspace to the last trace of it, and say what became of it.

    `stop` ends the running steps and lets those that run after a failure follow, for five minutes at most; `abort`
    ends these too. A step with `failure: cancel` that fails requests `stop` itself, so jobs of a run that share one end
    together. `secrets` are values by name in any case; they are hidden in all that is written. What a step prints
    beyond `log_limit_bytes` is dropped. `earlier` says how many attempts at each step there were already, if the job
    begins anew: `CI_ATTEMPT` goes on from there.

    Nothing that goes wrong in steps or machinery is raised: it is the Status, with the reason in `job_finished`.
    Raises SinkError, with all cleaned up, if the Scribe's Sink fails.
    """
    began = time.monotonic()
    scribe.write(JobStarted, job=job.name)
    secrets = {name.lower(): value for name, value in (secrets or {}).items()}
    mask = Mask(secrets.values())
    flusher = Flusher()
    context = JobContext(
        job=job,
        scribe=scribe,
        artifacts=artifacts,
        secrets=secrets,
        mask=mask,
        flusher=flusher,
        log_limit_bytes=log_limit_bytes,
        earlier=earlier or {},
    )
    job_run = JobRun(context, stop=stop or Stop(), abort=abort or Stop())
    try:
        status, reason = job_run.carry_out(backend, ticket, _empty if job.skip_clone else tree)
    finally:
        flusher.close()
    scribe.write(
        JobFinished,
        job=job.name,
        status=status,
        reason=mask.hide(reason),
        duration_ms=milliseconds_since(began),
    )
    return status


def _empty() -> Iterator[bytes]:
    """The workspace of a job that wants no checkout: the end of a tar stream, and nothing before it."""
    yield bytes(2 * tarfile.BLOCKSIZE)
