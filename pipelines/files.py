"""Which paths of a repository are its workflow files, and what a workflow file's name says."""

import posixpath
from collections.abc import Iterable

from pipelines.nodes import quoted

_EXTENSIONS = (".yaml", ".yml")
_PLACES = (".headrace", ".woodpecker")

PLACES_IN_WORDS = ".headrace.yaml, .headrace/*.yaml, .woodpecker.yaml or .woodpecker/*.yaml"


def workflow_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of a tree's paths (from its root, with `/`) that are its workflow files, sorted by workflow name.

    The first of these that exists: `.headrace/*.{yaml,yml}`, `.headrace.yaml`, `.headrace.yml`, then the same
    three with `.woodpecker`.
    """
    present = set(paths)
    for place in _PLACES:
        inside = {path for path in present if _is_directly_inside(path, place)}
        if inside:
            return tuple(sorted(inside, key=lambda path: (workflow_name(path), path)))
        for extension in _EXTENSIONS:
            if place + extension in present:
                return (place + extension,)
    return ()


def workflow_directories() -> tuple[str, ...]:
    """The directories, below a tree's root, whose files `workflow_paths` wants to know beside those of the root."""
    return _PLACES


def workflow_name(path: str) -> str:
    """The workflow's name: the file's base name without its extension and a leading dot."""
    name = posixpath.basename(path)
    for extension in _EXTENSIONS:
        name = name.removesuffix(extension)
    return name.removeprefix(".")


def is_lenient(path: str) -> bool:
    """True for a file that was written for Woodpecker, which only warns about keys it doesn't know."""
    return any(part == ".woodpecker" or part.startswith(".woodpecker.") for part in path.split("/"))


def _is_directly_inside(path: str, directory: str) -> bool:
    parent, _, name = path.rpartition("/")
    return parent == directory and name.endswith(_EXTENSIONS)


def no_workflow(where: str) -> str:
    """One line that says that there is no workflow file in that place, and what to do."""
    return f"no workflow file in {quoted(where)}: write {PLACES_IN_WORDS}"
