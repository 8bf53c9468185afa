"""The keys of `clone`: how our own checkout fills the workspace, or which images do."""

from collections.abc import Iterator
from dataclasses import replace

from pipelines.details import Checkout
from pipelines.model import Clone
from pipelines.nodes import List, Map, Node, Scalar
from pipelines.places import Place
from pipelines.syntax.conditions import WHEN
from pipelines.syntax.forms import ANYTHING, FLAG, TEXT, Form
from pipelines.syntax.keys import Key, Keys, plain_record, read_keys
from pipelines.syntax.quantities import DURATION, whole
from pipelines.syntax.steps import STEP

_OUR_PLUGIN = "plugin-git"
_OUR_ENTRY = "git"
_WITHOUT_IMAGE = "Headrace checks out by itself, without this"

_SETTINGS = Keys(
    owner="the checkout",
    known=(
        Key(
            name="depth",
            form=whole(lowest=0, highest=999_999_999),
            meaning="How many commits of history the `.git` of the workspace has; 0 is all.",
            default="1; all where tags come or `partial` is false",
        ),
        Key(
            name="tags",
            form=FLAG,
            meaning="True to have the repository's tags, as they are when the job starts.",
            default="true for the event `tag`",
        ),
        Key(
            name="recursive",
            form=FLAG,
            meaning="True to have submodules, and theirs. They come with as much history as the repository itself.",
            default="true",
        ),
        Key(
            name="lfs",
            form=FLAG,
            meaning="True to have the contents of files in Git LFS, for which the worker needs the program git-lfs; "
            "false leaves their pointers.",
            default="true",
        ),
        Key(
            name="partial",
            form=FLAG,
            meaning="True to have one commit and the files in it, whatever `depth` says; false to have all history "
            "unless `depth` says otherwise. It doesn't count where tags come.",
            default="as `depth` says",
        ),
        Key(
            name="remote",
            form=TEXT,
            meaning="An https or ssh address to fetch the event's commit from. One of another owner, or on another "
            "forge, is read without credentials and over https. A local run only names the origin so.",
            default="the event's",
        ),
        Key(
            name="attempts",
            form=whole(lowest=1, highest=100),
            meaning="Tries in all, where another may help: the network failed, or the commit isn't there yet.",
            default="5",
        ),
        Key(name="backoff", form=DURATION, meaning="The time between two tries.", default="5s"),
    ),
    stranger=_WITHOUT_IMAGE,
)
_OURS = Keys(
    owner="an entry of clone",
    known=(
        Key(name="name", form=TEXT, meaning="What the entry is called."),
        Key(name="image", form=TEXT, meaning="An image that ends in plugin-git means Headrace's own checkout."),
        Key(name="settings", form=plain_record(_SETTINGS, Checkout), meaning="How to check out."),
        Key(name="when", form=WHEN, meaning="On which events to check out."),
        Key(name="pull", form=ANYTHING, meaning="Without effect: there is no image."),
    ),
    elsewhere={"environment": "there is no image to read it; `settings: {remote: …}` names another address"},
    stranger=_WITHOUT_IMAGE,
)


def _clone(place: Place) -> Clone | None:
    if not isinstance(place.node, Map | List):
        place.expected(CLONE.expects)
        return None
    clone = Clone()
    for name, entry in _entries(place):
        if _is_ours(name, entry.node):
            values = read_keys(entry, _OURS) or {}
            clone = replace(clone, checkout=values.get("settings", Checkout()), when=values.get("when", ()))
        elif (step := STEP.read(entry)) is not None:
            clone = replace(clone, steps=(*clone.steps, replace(step, name=step.name or name)))
    return clone


def _entries(place: Place) -> Iterator[tuple[str, Place]]:
    if isinstance(place.node, List):
        yield from ((_text(item.node, "name") or f"clone-{i}", item) for i, item in enumerate(place.items()))
    else:
        yield from ((entry.name, entry.value) for entry in place.entries())


def _is_ours(name: str, node: Node) -> bool:
    image = _text(node, "image")
    if not image:
        return name == _OUR_ENTRY and not _has(node, "commands")
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].endswith(_OUR_PLUGIN)


def _text(node: Node, key: str) -> str:
    value = node.get(key) if isinstance(node, Map) else None
    return value.text if isinstance(value, Scalar) and not value.is_null else ""


def _has(node: Node, key: str) -> bool:
    return isinstance(node, Map) and node.get(key) is not None


_ENTRY_SCHEMA = {"anyOf": [{"map": _OURS}, STEP.schema]}
CLONE: Form[Clone] = Form(
    "a list, or a map from names",
    _clone,
    {
        "anyOf": [
            {"type": "object", "additionalProperties": _ENTRY_SCHEMA},
            {"type": "array", "items": _ENTRY_SCHEMA},
        ]
    },
)
