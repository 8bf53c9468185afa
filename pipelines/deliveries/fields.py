"""Fields: reads an untrusted JSON payload, checking the type, length and form of everything it gives out."""

import re
from typing import Any, Self

import msgspec

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1, or SHA-256 in repositories that use it
_ABBREVIATED = re.compile(r"[0-9a-f]{12,64}")
_REF = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]{1,1000}")  # what git-check-ref-format forbids in a ref
_PLAIN_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")
_BRANCH_PREFIX = "refs/heads/"
_LONGEST_TEXT = 10_000
_LONGEST_NAME = 300
_MOST_NAMES = 100


class Unreadable(ValueError):  # noqa: N818 -- reads as what it is
    """Raised when a delivery can't be understood. Names the field, what was found and what was expected."""


class Fields:
    """One JSON object of a payload. Every method raises Unreadable, naming the field, where that is wrong."""

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """The object that this JSON text holds."""
        try:
            values = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"the body is not JSON: {error}") from error
        except RecursionError as error:
            raise Unreadable("the body is JSON nested too deep") from error
        if not isinstance(values, dict):
            raise Unreadable(f"the body is {_kind(values)}: expected a JSON object")
        return cls(values)

    def has(self, name: str) -> bool:
        """True if the field is there and not null."""
        return self._values.get(name) is not None

    def object(self, name: str) -> "Fields":
        """An object that must be there."""
        return Fields(self._typed(name, dict), self._path_of(name))

    def optional_object(self, name: str) -> "Fields":
        """An object; an empty one if it is not there."""
        return self.object(name) if self.has(name) else Fields({}, self._path_of(name))

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects; none if it is not there."""
        items = self._typed(name, list) if self.has(name) else []
        return [Fields({"": item}, f"{self._path_of(name)}[{index}]").object("") for index, item in enumerate(items)]

    def required_text(self, name: str) -> str:
        """A short text that must be there."""
        text: str = self._typed(name, str)
        if not text or len(text) > _LONGEST_NAME:
            raise self._wrong(name, f"a text of {len(text)} characters", f"1 to {_LONGEST_NAME}")
        return text

    def text(self, name: str) -> str:
        """A text to show to people, cut where it gets too long; `""` if it is not there."""
        text: str = self._typed(name, str) if self.has(name) else ""
        return text.replace("\0", "")[:_LONGEST_TEXT]

    def names(self, name: str, field: str) -> tuple[str, ...]:
        """This text of each object of a list, such as the names of labels: the first hundred."""
        return tuple(item.text(field) for item in self.objects(name)[:_MOST_NAMES])

    def integer(self, name: str) -> int:
        """A whole number, such as an id or a pull request's number."""
        number: int = self._typed(name, int)
        if not 0 <= number < 2**63:
            raise self._wrong(name, str(number), "a number of 63 bits")
        return number

    def sha(self, name: str) -> str:
        """A commit's full id, in lower case."""
        text: str = self._typed(name, str)
        if not _SHA.fullmatch(text):
            raise self._wrong(name, repr(text[:80]), "40 or 64 hex digits")
        return text

    def last_part_as_sha(self, name: str) -> str:
        """The commit's full id that an address ends with: of it nothing else is taken."""
        address: str = self._typed(name, str)
        sha = address.rpartition("/")[2]
        if not _SHA.fullmatch(sha):
            raise self._wrong(name, repr(address[-80:]), "the address of a commit, with its 40 or 64 hex digits")
        return sha

    def abbreviated_sha(self, name: str) -> str:
        """A commit's id, in lower case, or its first digits: at least 12."""
        text: str = self._typed(name, str)
        if not _ABBREVIATED.fullmatch(text):
            raise self._wrong(name, repr(text[:80]), "12 hex digits, or all")
        return text

    def ref(self, name: str) -> str:
        """A full ref, such as `refs/heads/main`."""
        text: str = self._typed(name, str)
        if not is_sane_ref(text):
            raise self._wrong(name, repr(text[:80]), "a full ref, such as refs/heads/main")
        return text

    def ref_named(self, name: str, prefix: str) -> str:
        """The full ref whose short name this is: `prefix` is `refs/heads/` or `refs/tags/`."""
        text: str = self._typed(name, str)
        if not is_sane_ref(prefix + text):
            raise self._wrong(name, repr(text[:80]), "the name of a branch or tag")
        return prefix + text

    def repository_name(self, name: str) -> str:
        """A repository's name with its owner's, such as `acme/web`."""
        text: str = self._typed(name, str)
        if not is_repository_name(text):
            raise self._wrong(name, repr(text[:80]), "OWNER/NAME, of letters, digits and . _ -")
        return text

    def branch(self, name: str) -> str:
        """A branch's short name."""
        text: str = self._typed(name, str)
        if not is_sane_ref(_BRANCH_PREFIX + text):
            raise self._wrong(name, repr(text[:80]), "the name of a branch")
        return text

    def truth(self, name: str) -> bool:
        """True if the field is there and true."""
        return self._values.get(name) is True

    def _typed(self, name: str, kind: type) -> Any:
        value = self._values.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._wrong(name, _kind(value), _KINDS[kind])
        return value

    def _path_of(self, name: str) -> str:
        return f"{self._path}.{name}".strip(".")

    def _wrong(self, name: str, found: str, expected: str) -> Unreadable:
        return Unreadable(f"{self._path_of(name)} is {found}: expected {expected}")


def is_zero(sha: str) -> bool:
    """True for the id that stands for "there is none": 40 or 64 zeros."""
    return bool(sha) and not sha.strip("0")


def is_sha(text: str) -> bool:
    """True for a commit's full id."""
    return bool(_SHA.fullmatch(text))


def is_repository_name(text: str) -> bool:
    """True for `owner/name`, of characters that mean nothing in an address."""
    parts = text.split("/")
    return len(parts) == 2 and all(_PLAIN_NAME.fullmatch(part) for part in parts)


def is_sane_ref(ref: str) -> bool:
    """True if git would take this as a full ref, and no program could take a part of it for an option or a path."""
    parts = ref.split("/")
    return (
        bool(_REF.fullmatch(ref))
        and ".." not in ref
        and "@{" not in ref
        and not ref.endswith(".")
        and all(part and part[0] not in "-." and not part.endswith(".lock") for part in parts)
    )


_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    return "true or false" if isinstance(value, bool) else _KINDS.get(type(value), "a number")
