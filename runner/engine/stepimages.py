"""StepImages: the images of one job's steps and services, each had as its step asks for it.

DESIGN. Ahead of a step's turn nothing is waited for: an image that is there will do, unless the step wants it asked
for anew and that hasn't been done in this run. What isn't at hand then is had when the turn comes, with a log to tell
it in.
"""

from enum import Enum, auto

from pipelines.plan import PlannedJob, PlannedStep
from runner.engine.ahead import PullsAhead
from runner.engine.client import Image
from runner.engine.images import Images, PullPolicy
from runner.engine.pull import Say
from runner.errors import ImageError
from runner.stop import Stop


class Turn(Enum):
    """Whether a step is made ready ahead of its turn, or its turn has come."""

    AHEAD = auto()
    NOW = auto()


class StepImages:
    """For one job of a run. Pulls that were begun ahead go on until `close`."""

    def __init__(self, images: Images, *, run: str) -> None:
        self._images = images
        self._run = run
        self._ahead = PullsAhead(images, run=run)

    def begin(self, job: PlannedJob) -> None:
        """Pull what the job's services and steps will want, ahead of their turn."""
        self._ahead.begin(each for each in (*job.services, *job.steps) if each.included)

    def close(self) -> None:
        """Give up what was begun. May be called again."""
        self._ahead.close()

    def image(self, step: PlannedStep, say: Say, stop: Stop, turn: Turn) -> Image | None:
        """The step's image, on the engine's machine; None if `stop` was requested meanwhile.

        Raises ImageError, ahead of the turn also for one that would have to be waited for.
        """
        policy = PullPolicy(step.pull)
        if turn is Turn.AHEAD:
            if policy is PullPolicy.ALWAYS and not self._images.is_fresh(step.image, self._run):
                raise ImageError(f"image {step.image}: still to be asked for")
            policy = PullPolicy.NEVER
        image = self._images.ensure(step.image, say, stop, policy=policy, run=self._run)
        return None if stop.requested else image
