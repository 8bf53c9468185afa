"""Old names of what Woodpecker has renamed, put into their new form so that all else knows only that."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from pipelines.nodes import Entry, List, Map, Node, Scalar
from pipelines.places import Place
from pipelines.problems import Level

_OLD_NAME = re.compile(r"\bCI_[A-Z_]+\b")
_SIMPLY_RENAMED = {
    "CI_BRANCH": "CI_COMMIT_BRANCH",
    "CI_TAG": "CI_COMMIT_TAG",
    "CI_REPO_REMOTE": "CI_REPO_CLONE_URL",
    "CI_REPO_LINK": "CI_REPO_URL",
    "CI_SYSTEM_LINK": "CI_SYSTEM_URL",
    "CI_SYSTEM_ARCH": "CI_SYSTEM_PLATFORM",
    "CI_COMMIT_LINK": "CI_PIPELINE_FORGE_URL",
    "CI_PREV_COMMIT_LINK": "CI_PREV_COMMIT_URL",
    "CI_PIPELINE_LINK": "CI_PIPELINE_URL",
    "CI_PREV_PIPELINE_LINK": "CI_PREV_PIPELINE_URL",
    "CI_BUILD_LINK": "CI_PIPELINE_URL",
    "CI_PREV_BUILD_LINK": "CI_PREV_PIPELINE_URL",
}
_OF_A_RUN = ("NUMBER", "PARENT", "EVENT", "STATUS", "CREATED", "STARTED")

RENAMED_VARIABLES = (
    _SIMPLY_RENAMED
    | {f"CI_BUILD_{name}": f"CI_PIPELINE_{name}" for name in (*_OF_A_RUN, "DEPLOY_TARGET")}
    | {f"CI_PREV_BUILD_{name}": f"CI_PREV_PIPELINE_{name}" for name in (*_OF_A_RUN, "FINISHED")}
    | {f"CI_JOB_{name}": f"CI_STEP_{name}" for name in ("NUMBER", "STARTED")}
)
"""Variables that older Woodpeckers had, and what they are called now."""


_LIKELY = re.compile("|".join(RENAMED_VARIABLES).encode())


def with_new_names(place: Place, text: bytes) -> Node:
    """The tree, in which `pipeline` is `steps` and old variables have their new names, each with a warning.

    `text` is what the tree was read from. A variable that the file sets itself under an old name stays its own.
    """
    root = _with_steps(place)
    if not _LIKELY.search(text):
        return root
    own = frozenset(_keys(root)) & RENAMED_VARIABLES.keys()
    return _Renaming(own).of(Place(root, "", place.report))


def _with_steps(place: Place) -> Node:
    root = place.node
    if not isinstance(root, Map) or root.get("steps") is not None:
        return root
    for entry in place.entries():
        if entry.name == "pipeline":
            entry.key.problem("`pipeline` is an old form", hint="write `steps`", level=Level.WARNING)
    entries = (
        Entry(replace(entry.key, text="steps"), entry.value) if entry.key.text == "pipeline" else entry
        for entry in root.entries
    )
    return Map(root.position, tuple(entries))


def _keys(node: Node) -> Iterator[str]:
    match node:
        case Map():
            for entry in node.entries:
                yield entry.key.text
                yield from _keys(entry.value)
        case List():
            for item in node.items:
                yield from _keys(item)


class _Renaming:
    """Gives old variables their new names, wherever values hold them."""

    def __init__(self, own: frozenset[str]) -> None:
        self._own = own

    def of(self, place: Place) -> Node:
        match place.node:
            case Map():
                places = zip(place.node.entries, place.entries(), strict=True)
                return Map(place.position, tuple(Entry(entry.key, self.of(each.value)) for entry, each in places))
            case List():
                return List(place.position, tuple(self.of(item) for item in place.items()))
            case Scalar() if "CI_" in place.node.text:
                return replace(place.node, text=self._renamed(place, place.node.text))
            case _:
                return place.node

    def _renamed(self, place: Place, text: str) -> str:
        found = dict.fromkeys(name for name in _OLD_NAME.findall(text) if self._is_old(name))
        for name in found:
            message, hint = f"the variable {name} has a new name", f"write {RENAMED_VARIABLES[name]}"
            place.problem(message, hint=hint, level=Level.WARNING)
        return _OLD_NAME.sub(lambda m: RENAMED_VARIABLES[m[0]] if m[0] in found else m[0], text) if found else text

    def _is_old(self, name: str) -> bool:
        return name in RENAMED_VARIABLES and name not in self._own
