"""StepImages: the images of one job's steps and services, each had as its step asks for it.

DESIGN. Ahead of a step's turn nothing is waited for: an image that is there will do, unless the step wants it asked
for anew and that hasn't been done in this run. What isn't at hand then is had when the turn comes, with a log to tell
it in. An image that is built is never at hand ahead: steps before may write what it is built from.
"""

from collections import defaultdict
from enum import Enum, auto

from msgspec.structs import replace

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status
from runner.backend import Outcome
from runner.engine.ahead import PullsAhead
from runner.engine.builds.builder import Builder
from runner.engine.client import Image
from runner.engine.images import Images, PullPolicy
from runner.engine.pull import Say
from runner.engine.pullnews import PullNews
from runner.errors import BuildError, ImageError
from runner.stop import Stop


class Turn(Enum):
    """Whether a step is made ready ahead of its turn, or its turn has come."""

    AHEAD = auto()
    NOW = auto()


class StepImages:
    """For one job of a run. Pulls that were begun ahead go on until `close`."""

    def __init__(self, images: Images, builder: Builder, news: PullNews, *, run: str) -> None:
        self._images = images
        self._builder = builder
        self._run = run
        self._news = news
        self._wanted: dict[tuple[str, PullPolicy], tuple[str, ...]] = {}
        self._ahead = PullsAhead(images, news, run=run)

    def begin(self, job: PlannedJob) -> None:
        """Pull what the job's services and steps will want, ahead of their turn. What is to be built comes later."""
        wanted: dict[tuple[str, PullPolicy], list[str]] = defaultdict(list)
        for each in (*job.services, *job.steps):
            if each.included and not each.build:
                wanted[each.image, PullPolicy(each.pull)].append(each.name)
        self._wanted = {image: tuple(names) for image, names in wanted.items()}
        self._ahead.begin(self._wanted)

    def close(self) -> None:
        """Give up what was begun. May be called again."""
        self._ahead.close()

    def image(self, step: PlannedStep, say: Say, stop: Stop, turn: Turn) -> Image | None:
        """The step's image, on the engine's machine; None if `stop` was requested meanwhile.

        Raises ImageError, ahead of the turn also for one that would have to be waited for; BuildError.
        """
        if step.build is not None:
            if turn is Turn.AHEAD:
                raise ImageError("its image is to be built from what the workspace holds at its turn")
            return self._builder.image(step, step.build, say, stop)
        return self._pulled(step, say, stop, turn)

    def _pulled(self, step: PlannedStep, say: Say, stop: Stop, turn: Turn) -> Image | None:
        policy = PullPolicy(step.pull)
        if turn is Turn.AHEAD:
            if policy is PullPolicy.ALWAYS and not self._images.is_fresh(step.image, self._run):
                raise ImageError(f"image {step.image}: still to be asked for")
            policy = PullPolicy.NEVER
        with self._news.of(step.image, self._wanted.get((step.image, policy), (step.name,))) as show:
            image = self._images.ensure(step.image, say, stop, show=show, policy=policy, run=self._run)
        return None if stop.requested else image


def named(step: PlannedStep, image: Image) -> PlannedStep:
    """The step with its image's name, if it is built."""
    return replace(step, image=image.id) if step.build else step


def failed_build(error: BuildError) -> Outcome:
    """How a step ends whose image can't be built."""
    return Outcome(status=Status.FAILURE, exit_code=error.code, reason=str(error))
