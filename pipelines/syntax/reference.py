"""The reference page: the chapters on keys, made from the table and put between the marks of a page in Markdown."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.syntax.conditions import WHEN_KEYS
from pipelines.syntax.keys import Effect, Key, Keys, Origin
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS

_MARK = re.compile(r"(<!-- keys of (\w+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
_CHAPTERS = (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS, WHEN_KEYS)
_SHOWN_ELSEWHERE = frozenset(keys.owner for keys in _CHAPTERS)
_ORIGINS = {Origin.WOODPECKER: "**W**", Origin.HEADRACE: "**H**"}
_EFFECTS = {Effect.NOT_YET: "without effect yet", Effect.ON_SERVERS: "without effect in local runs"}


def with_reference(page: str) -> str:
    """The page with its chapters on keys as the table has them now.

    They stand between `<!-- keys of workflow -->` (or step, service, condition) and `<!-- end of keys -->`.
    """
    return _MARK.sub(lambda match: match[1] + _chapters(match[2]) + match[3], page)


def _chapters(word: str) -> str:
    match word:
        case "workflow":
            return _all(WORKFLOW_KEYS.known, STEP_KEYS, " of a workflow")
        case "step":
            return _all(STEP_KEYS.known, Keys(owner="", known=()), "")
        case "service":
            own = [key for key in SERVICE_KEYS.known if STEP_KEYS.get(key.name) is None]
            shared = [f"`{name}`" for name in SERVICE_KEYS.names if STEP_KEYS.get(name)]
            beginning = _wrapped(f"A service takes these keys of a step: {_listed(shared)}. It has some of its own.")
            return f"\n{beginning}\n{_all(own, STEP_KEYS, ' of a service')}"
        case _:
            return _all(WHEN_KEYS.known, WHEN_KEYS, " in `when`")


def _all(keys: Iterable[Key], others: Keys, suffix: str) -> str:
    """The chapters of these keys. One whose name is also among `others` has the suffix in its heading."""
    chapters = ("\n".join(_chapter(key, suffix if others.get(key.name) else "")) for key in keys if not key.old)
    return "\n" + "\n".join(chapters) + "\n"


def _chapter(key: Key, suffix: str) -> Iterator[str]:
    yield f"### `{key.name}`{suffix}\n"
    yield f"{_facts(key)}\n\n{_wrapped(key.meaning)}\n"
    if inner := {id(each): each for each in _inner(key.form.schema)}.values():
        yield from _table(inner)
        yield ""
    yield f"```yaml{key.example}```\n"
    if key.errors:
        yield from (f"- {error}" for error in key.errors)
        yield ""


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _facts(key: Key) -> str:
    facts = [_ORIGINS[key.origin], "required" if key.required else "", f"default: {key.default}" if key.default else ""]
    if key.effect in _EFFECTS:
        facts.append(f"*{_EFFECTS[key.effect]}*")
    return " · ".join(fact for fact in facts if fact)


def _table(keys: Iterable[Key]) -> Iterator[str]:
    yield "| key | | meaning |"
    yield "|---|---|---|"
    for key in keys:
        default = f" Default: {key.default}." if key.default else ""
        effect = f" *{_EFFECTS[key.effect].capitalize()}.*" if key.effect in _EFFECTS else ""
        yield f"| `{key.name}` | {_ORIGINS[key.origin]} | {key.meaning}{default}{effect} |"


def _inner(schema: Any) -> Iterator[Key]:
    """The keys of the maps in a form that have no chapters of their own."""
    match schema:
        case {"map": Keys() as keys}:
            for key in keys.known if keys.owner not in _SHOWN_ELSEWHERE else ():
                yield key
                yield from _inner(key.form.schema)
        case Mapping():
            for value in schema.values():
                yield from _inner(value)
        case list():
            for item in schema:
                yield from _inner(item)


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
