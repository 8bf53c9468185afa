"""Collection: which files of the workspace a step's artifact rules keep, and keeping them."""

from dataclasses import dataclass, field

from pipelines.globs import matches
from pipelines.plan import PlannedStep
from pipelines.status import Status

_SPECIAL = frozenset("*?[{\\")


@dataclass(slots=True)
class Collection:
    """The globs of a step's rules that apply to its status, and which of them have met a file."""

    patterns: tuple[str, ...]
    _met: set[str] = field(default_factory=set)

    def takes(self, path: str) -> bool:
        """True if a pattern matches this path, which is relative to the workspace."""
        met = [pattern for pattern in self.patterns if glob_matches(pattern, path)]
        self._met.update(met)
        return bool(met)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The patterns that have matched nothing so far."""
        return tuple(pattern for pattern in self.patterns if pattern not in self._met)


def patterns_for(step: PlannedStep, status: Status) -> tuple[str, ...]:
    """The globs of the rules that apply to a step that ended so, each once."""
    outcome = Status.SUCCESS if status is Status.SUCCESS else Status.FAILURE
    rules = [rule for rule in step.artifacts if outcome in rule.on]
    return tuple(dict.fromkeys(path for rule in rules for path in rule.paths))


def glob_matches(pattern: str, path: str) -> bool:
    """True if the glob matches the path. One without special characters also takes all that is below a directory.

    A glob that is absolute or climbs out of the workspace with `..` matches nothing.
    """
    if _leaves_workspace(pattern):
        return False
    pattern = _normal(pattern)
    return matches(pattern if _SPECIAL.intersection(pattern) else f"{pattern}/**", path)


def static_directories(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The paths that together hold all that the globs can match, none below another; `""` is the workspace."""
    found: list[str] = []
    inside = (pattern for pattern in patterns if not _leaves_workspace(pattern))
    for prefix in sorted(map(_static_prefix, inside), key=lambda path: path.split("/")):
        if not any(outer in (prefix, "") or prefix.startswith(f"{outer}/") for outer in found):
            found.append(prefix)
    return tuple(found)


def _static_prefix(pattern: str) -> str:
    """The leading parts of the glob that have no special character."""
    parts = []
    for part in _normal(pattern).split("/"):
        if _SPECIAL.intersection(part):
            break
        parts.append(part)
    return "/".join(parts)


def _normal(pattern: str) -> str:
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))


def _leaves_workspace(pattern: str) -> bool:
    return pattern.startswith("/") or ".." in pattern.split("/")
