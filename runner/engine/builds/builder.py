"""Builder: the image of a step that has `build`: found again if it was built from the same before, else built.

DESIGN. The build is the engine's own, by its API, where every Docker engine has the classic builder: BuildKit is
reached only through a session of its own or the command line. Podman (4.3) has the call, too, but whatever network it
is asked for, `RUN` gets that of the engine's machine, and runs on after the caller has gone: there we refuse.

Base images are had first, as those of steps are: with logins, repeated tries and progress. Then all that decides about
the image is known, and names it. `RUN` lines run in the job's own network, with the engine's own restrictions rather
than ours: the API has no others.

An image that was built is the engine's to keep: the name is given anew whenever it is used, and what hasn't been used
for long is swept. Images that are left of stages, and of a build that failed, are named beside it: they are the cache
of the next, and nothing without a name would ever be swept.
"""

import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pipelines.details import Build, resolved
from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.engine.builds.buildlog import BuildLog
from runner.engine.builds.context import Context, Source, read_context
from runner.engine.builds.dockerfile import DockerfileError, base_images, check_trigger
from runner.engine.builds.recipe import REPOSITORY, Recipe
from runner.engine.client import Engine, EngineKind, EngineRefusal, Image
from runner.engine.images import Images, PullPolicy
from runner.engine.pull import Say
from runner.engine.pullnews import PullNews
from runner.errors import BackendError, BuildError, ImageError
from runner.stop import Stop

_LOOK_SECONDS = 30.0
_NOT_BY_PODMAN = (
    "Podman's API builds in the network of its own machine, where no step may be, and can't stop a build: "
    "let a Docker engine run what has `build`"
)


NO_BUILDER = (
    "the container engine has no classic builder, which is the one behind its API: let an engine that has it run the "
    "step, or give the step an `image` that was built elsewhere"
)
_NO_SUCH_CALL = (404, 405, 501)
_OTHER_BUILDER = re.compile(r"(?i)buildkit|(?:legacy|classic) builder|builder version")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds for one job of a run: from its workspace, in its network."""

    images: Images
    source: Source
    news: PullNews
    network: str
    run: str

    def image(self, step: PlannedStep, build: Build, say: Say, stop: Stop) -> Image | None:
        """The image that the step's build gives; None if `stop` was requested meanwhile.

        Raises BuildError if the build fails, ImageError if it can't be begun, BackendError if the engine fails.
        """
        if self.images.info().kind is EngineKind.PODMAN:
            raise ImageError(f"build {build.context}: {_NOT_BY_PODMAN}")
        context = read_context(self.source, build, stop)
        if context is None:
            return None
        with context.tar:
            recipe = self._recipe(step, build, context, say, stop)
            if recipe is None:
                return None
            return self._found(recipe, say) or self._built(recipe, step, say, stop)

    def _recipe(self, step: PlannedStep, build: Build, context: Context, say: Say, stop: Stop) -> Recipe | None:
        """All that goes into the image, its base images on the engine's machine."""
        arguments = {name: resolved(value, {}) for name, value in build.args.items()}
        try:
            names = base_images(context.text, arguments)
        except DockerfileError as error:
            raise ImageError(f"build {build.context}: {context.dockerfile}: {error}") from error
        bases = [image.id for image in self._bases(step, names, say, stop)]
        if len(bases) < len(names):
            return None
        return Recipe(build=build, context=context, arguments=arguments, base_ids=tuple(bases))

    def _bases(self, step: PlannedStep, names: Iterable[str], say: Say, stop: Stop) -> Iterable[Image]:
        """The base images until `stop` is requested."""
        for name in names:
            with self.news.of(name, (step.name,)) as show:
                policy = PullPolicy(step.pull)
                image = self.images.ensure(name, say, stop, show=show, policy=policy, run=self.run)
            if image is None:
                return
            try:
                for trigger in image.triggers:
                    check_trigger(trigger)
            except DockerfileError as error:
                raise ImageError(f"image {name}: what it has left to its children (ONBUILD): {error}") from error
            yield image

    def _found(self, recipe: Recipe, say: Say) -> Image | None:
        """The image, if it was built before; that it is used again is noted."""
        found = self._engine.image(recipe.name)
        if found is not None:
            self._engine.tag_image(recipe.name, REPOSITORY, recipe.tag)
            say(f"image {found.id}, built earlier from the same {recipe.build.context} ({recipe.context})")
        return found

    def _built(self, recipe: Recipe, step: PlannedStep, say: Say, stop: Stop) -> Image | None:
        say(f"building {recipe.build.context} ({recipe.context})")
        log, watched = BuildLog(say), stop.child()
        with _Watch(self._engine, watched):
            options = recipe.options(step.resources, self.network)
            try:
                for message in self._engine.build_image(recipe.context.tar, options, watched):
                    log.take(message)
            except EngineRefusal as refusal:
                raise _without_builder(refusal, build=recipe.build) or refusal from refusal
        log.finish()
        self._keep(recipe, log)
        if stop.requested:
            return None
        if watched.requested:
            raise BackendError(watched.reason)
        if log.error:
            raise BuildError(f"the build of its image failed: {log.error}", log.exit_code)
        found = self._engine.image(recipe.name)
        if found is None:
            raise ImageError(f"build {recipe.build.context}: its image was removed as soon as it had been built")
        say(f"image {found.id}, built from {recipe.build.context}")
        return found

    def _keep(self, recipe: Recipe, log: BuildLog) -> None:
        """Give a name to what has none. A build may print what looks like the id of another image without one."""
        for number, made in enumerate(dict.fromkeys((*log.stages, log.last)), start=1):
            with suppress(BackendError):
                image = self._engine.image(made) if made else None
                if image and not image.tags:
                    self._engine.tag_image(image.id, REPOSITORY, f"{recipe.tag}-part-{number}")

    @property
    def _engine(self) -> Engine:
        return self.source.engine


def _without_builder(refusal: EngineRefusal, *, build: Build) -> ImageError | None:
    """The error of an engine that knows the call no more, or says that it builds in another way only."""
    if refusal.status in _NO_SUCH_CALL or _OTHER_BUILDER.search(refusal.answer):
        return ImageError(f"build {build.context}: {NO_BUILDER} ({refusal.answer})")
    return None


class _Watch:
    """Requests a Stop once the engine doesn't answer any more: a build may be silent for as long as it likes."""

    def __init__(self, engine: Engine, stop: Stop) -> None:
        self._engine = engine
        self._stop = stop
        self._ended = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._look, name="headrace-build", daemon=True).start()

    def __exit__(self, *_error: object) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                self._engine.info()
            except BackendError as error:
                self._stop.request(Status.ERROR, str(error))
                return
