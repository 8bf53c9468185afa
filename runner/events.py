"""The Event of a local run: what the command line says, and for the rest what the git working tree says."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from pipelines.event import Deployment, Event, EventKind, PullRequest, Release, Repository, System
from pipelines.variables import is_reserved
from runner.delivery import SavedDelivery, delivered_event
from runner.errors import UsageError
from runner.source.remotes import likely_page, repository_of

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_SAID_BY_A_DELIVERY = (
    *("event", "branch", "target_branch", "source_branch", "sha", "tag", "message", "author", "pr", "cron"),
    *("deploy_target", "deploy_task", "release_title", "prerelease", "params"),
)
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """The event flags of `run` and `plan`, by their names. `""`, None and `()` mean not given.

    With a `delivery` that says what happened; `ref` then chooses among its events.
    """

    event: EventKind | None = None
    branch: str = ""
    target_branch: str = ""
    source_branch: str = ""
    ref: str = ""
    sha: str = ""
    tag: str = ""
    message: str = ""
    author: str = ""
    repo: str = ""
    pr: int | None = None
    cron: str = ""
    deploy_target: str = ""
    deploy_task: str = ""
    release_title: str = ""
    prerelease: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    changed_files: tuple[str, ...] = ()
    delivery: SavedDelivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a plan takes beside the event: what the repository is trusted with, and global variables by name."""

    trust: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)


NO_PLAN_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTreeFacts:
    """What git knows about a working tree; `""` and None where it knows nothing, or where there is none.

    `root` is its top directory, `changed_files` are paths from there with `/`, `remote_url` is the origin's.
    """

    root: Path | None = None
    branch: str = ""
    sha: str = ""
    message: str = ""
    author: str = ""
    author_email: str = ""
    remote_url: str = ""
    default_branch: str = ""
    changed_files: tuple[str, ...] | None = None


def local_event(options: EventOptions, facts: WorkingTreeFacts) -> Event:
    """The event as a server would have it after a push of this tree. Raises UsageError if flags don't fit together."""
    if options.delivery is not None:
        return _delivered(options.delivery, options, facts)
    kind = _kind(options)
    _check_flags(kind, options)
    if kind is EventKind.TAG and not _ref(kind, options, facts).startswith(_TAGS):
        raise UsageError("--event tag needs --tag NAME")
    return Event(
        kind=kind,
        repository=_repository(options, facts),
        ref=_ref(kind, options, facts),
        branch=_branch(kind, options, facts),
        sha=options.sha or facts.sha,
        message=options.message or facts.message,
        author=options.author or facts.author,
        author_email="" if options.author else facts.author_email,
        pull_request=_pull_request(kind, options, facts),
        changed_files=options.changed_files or facts.changed_files,
        cron=options.cron,
        deployment=_deployment(kind, options),
        release=_release(kind, options),
        params=dict(options.params),
        system=this_system(),
        local=True,
    )


def _delivered(saved: SavedDelivery, options: EventOptions, facts: WorkingTreeFacts) -> Event:
    """What a delivery says happened. Which files have changed, none says: those here, if this is the commit."""
    extra = [f"--{name.replace('_', '-')}" for name in _SAID_BY_A_DELIVERY if getattr(options, name)]
    if extra:
        raise UsageError(f"--delivery says what happened: leave out {', '.join(extra)}")
    event = delivered_event(saved, _repository(options, facts), ref=options.ref)
    is_here = facts.sha.startswith(event.sha) if event.sha else False
    return replace(
        event,
        sha=facts.sha if is_here else event.sha,
        message=event.message or (facts.message if is_here else ""),
        author=event.author or (facts.author if is_here else ""),
        author_email=event.author_email or (facts.author_email if is_here else ""),
        changed_files=options.changed_files or (facts.changed_files if is_here else None),
        system=this_system(),
        local=True,
    )


def this_system() -> System:
    """This machine as a server would be, in Go's words. Containers run on Linux, whatever it runs itself."""
    machine = platform.machine().lower()
    return System(host=platform.node(), platform=f"linux/{_GO_NAMES.get(machine, machine)}")


def pairs(given: Iterable[str], *, flag: str) -> dict[str, str]:
    """The values by name of `NAME=VALUE` flags; of one name the last counts. Raises UsageError."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{flag} {text}: write {flag} NAME=VALUE")
        found[name] = value
    return found


def global_variables(given: Iterable[str]) -> dict[str, str]:
    """The variables of `--env NAME=VALUE` flags. Raises UsageError, also for names that are ours to give."""
    found = pairs(given, flag="--env")
    for name in found:
        if is_reserved(name):
            raise UsageError(f"--env {name}: names of this kind are Headrace's own; take another one")
    return found


def _kind(options: EventOptions) -> EventKind:
    if options.event is not None:
        return options.event
    return next((kind for kind, is_told in _told(options).items() if is_told), EventKind.PUSH)


def _told(options: EventOptions) -> dict[EventKind, bool]:
    """Which kinds of event the other flags speak of; the first one counts."""
    return {
        EventKind.CRON: bool(options.cron),
        EventKind.DEPLOYMENT: bool(options.deploy_target or options.deploy_task),
        EventKind.RELEASE: bool(options.release_title) or options.prerelease,
        EventKind.TAG: bool(options.tag) or options.ref.startswith(_TAGS),
        EventKind.PULL_REQUEST: options.pr is not None or bool(options.source_branch or options.target_branch),
        EventKind.MANUAL: bool(options.params),
    }


def _check_flags(kind: EventKind, options: EventOptions) -> None:
    """Raise UsageError for a flag that speaks of another event than this: nothing would come of it."""
    for flag, (kinds, is_given) in _flags_of_kinds(options).items():
        if is_given and kind not in kinds:
            raise UsageError(f"{flag} is for the event {kinds[0]}, and this one is {kind}: leave one of them out")


def _flags_of_kinds(options: EventOptions) -> dict[str, tuple[tuple[EventKind, ...], bool]]:
    """The flags that only some kinds of event have, with these kinds, and whether each is given."""
    pull_requests = tuple(kind for kind in EventKind if kind.is_pull_request)
    with_tags = (EventKind.TAG, EventKind.RELEASE, EventKind.DEPLOYMENT, EventKind.MANUAL, EventKind.CRON)
    return {
        "--pr": (pull_requests, options.pr is not None),
        "--source-branch": (pull_requests, bool(options.source_branch)),
        "--target-branch": (pull_requests, bool(options.target_branch)),
        "--cron": ((EventKind.CRON,), bool(options.cron)),
        "--deploy-target": ((EventKind.DEPLOYMENT,), bool(options.deploy_target)),
        "--deploy-task": ((EventKind.DEPLOYMENT,), bool(options.deploy_task)),
        "--release-title": ((EventKind.RELEASE,), bool(options.release_title)),
        "--prerelease": ((EventKind.RELEASE,), options.prerelease),
        "--tag": (with_tags, bool(options.tag)),
    }


def _ref(kind: EventKind, options: EventOptions, facts: WorkingTreeFacts) -> str:
    if options.ref:
        return options.ref
    if options.tag:
        return _TAGS + options.tag
    if kind.is_pull_request and options.pr is not None:
        return f"refs/pull/{options.pr}/head"
    branch = options.branch or facts.branch
    return _HEADS + branch if branch else ""


def _branch(kind: EventKind, options: EventOptions, facts: WorkingTreeFacts) -> str:
    """The branch that `when: branch` looks at: of a pull request the target, of a tag none unless it is given."""
    if kind.is_pull_request:
        return options.target_branch or options.branch or facts.default_branch
    if options.branch:
        return options.branch
    if options.ref or options.tag:
        return options.ref.removeprefix(_HEADS) if options.ref.startswith(_HEADS) else ""
    return facts.branch


def _pull_request(kind: EventKind, options: EventOptions, facts: WorkingTreeFacts) -> PullRequest | None:
    if not kind.is_pull_request:
        return None
    return PullRequest(
        number=options.pr or 0,
        source_branch=options.source_branch or facts.branch,
        target_branch=_branch(kind, options, facts),
    )


def _deployment(kind: EventKind, options: EventOptions) -> Deployment | None:
    if kind is not EventKind.DEPLOYMENT:
        return None
    return Deployment(target=options.deploy_target, task=options.deploy_task)


def _release(kind: EventKind, options: EventOptions) -> Release | None:
    if kind is not EventKind.RELEASE:
        return None
    return Release(title=options.release_title, prerelease=options.prerelease)


def _repository(options: EventOptions, facts: WorkingTreeFacts) -> Repository:
    known = repository_of(facts.remote_url)
    owner, _, name = options.repo.rpartition("/")
    directory = facts.root.name if facts.root else ""
    return Repository(
        owner=owner if options.repo else known.owner,
        name=name or known.name or directory,
        forge=known.forge,
        clone_url=known.clone_url,
        url="" if options.repo else known.url or likely_page(known),
        default_branch=facts.default_branch,
    )
