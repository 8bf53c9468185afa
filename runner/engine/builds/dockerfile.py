"""Dockerfile: what must be known of one before the engine's builder gets it: its base images. Pure.

DESIGN. The builder pulls base images by itself, without our logins and repeated tries, and fetches what `ADD` names by
an address from the engine's own machine, which sees what no step may see (a cloud's 169.254.169.254). So all base
images are found here and pulled before, and an `ADD` of anything that may be an address is refused, also in what a base
image has left to its children (`ONBUILD`). What we can't read we refuse: nothing is left to the builder's own idea.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S*)\s*")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:[-+])([^}$]*))?\})")
_FETCH = "ADD takes files of the context only, named without variables; let `RUN` download what has an address"


class DockerfileError(Exception):
    """Raised when a Dockerfile can't be built. Its text is one phrase that names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction with its name in capitals. `line` is where it begins, from 1."""

    line: int
    name: str
    rest: str


def base_images(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """The images that a Dockerfile is based on or copies from, each once, in order. Raises DockerfileError.

    `arguments` are the build's, which win over the defaults of an `ARG`.
    """
    found: list[str] = []
    stages: list[str] = []
    defaults: dict[str, str] = {}
    for instruction in instructions(text):
        match instruction.name:
            case "ARG" if not stages:
                defaults |= _defaults(instruction, {**defaults, **arguments})
            case "FROM":
                image, stage = _from(instruction, {**defaults, **arguments})
                if image != "scratch" and image.lower() not in stages:
                    found.append(image)
                stages.append(stage.lower() or str(len(stages)))
            case "COPY":
                source = _option(instruction.rest, "from")
                if source and source.lower() not in stages and not source.isdigit():
                    found.append(source)
            case "ADD":
                refuse_fetch(instruction)
            case "ONBUILD":
                refuse_fetch(_instruction(instruction.line, instruction.rest))
    if not stages:
        raise DockerfileError("has no FROM")
    return tuple(dict.fromkeys(found))


def check_trigger(text: str) -> None:
    """Raises DockerfileError if what a base image has left to do for its children is more than it may."""
    refuse_fetch(_instruction(0, text))


def refuse_fetch(instruction: Instruction) -> None:
    """Raises DockerfileError if it is an ADD of what may be an address."""
    if instruction.name == "ADD" and any(_may_be_address(source) for source in _sources(instruction.rest)):
        raise DockerfileError(f"line {instruction.line}: {_FETCH}")


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions, lines that are continued joined, comments gone."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape = _escape(lines)
    held, start = "", 0
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith("#") or (held and not line.strip()):
            continue
        if not held:
            start = number
        body = line.rstrip()
        is_continued = body.endswith(escape)
        held += body[: -len(escape)] if is_continued else body
        if not is_continued:
            if held.strip():
                yield _instruction(start, held)
            held = ""
    if held.strip():
        yield _instruction(start, held)


def _escape(lines: list[str]) -> str:
    """The character that continues a line: directives stand before all else."""
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.strip())
        if not found:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"


def _instruction(line: int, text: str) -> Instruction:
    name, _, rest = text.strip().partition(" ")
    if "\t" in name:
        name, _, rest = text.strip().partition("\t")
    return Instruction(line=line, name=name.upper(), rest=rest.strip())


def _defaults(instruction: Instruction, known: Mapping[str, str]) -> dict[str, str]:
    """What an ARG before the first FROM gives, unless the build's arguments do."""
    pairs = (word.partition("=") for word in _words(instruction.rest))
    return {name: _filled(value, known) for name, equals, value in pairs if equals}


def _from(instruction: Instruction, known: Mapping[str, str]) -> tuple[str, str]:
    """The image and the stage's name, empty without one."""
    words = [word for word in _words(instruction.rest) if not word.startswith("--")]
    image = _filled(words[0], known) if words else ""
    if not image or "$" in image or len(words) not in (1, 3):
        raise DockerfileError(f"line {instruction.line}: can't tell which image `FROM {instruction.rest}` means")
    return image, words[2] if len(words) == 3 else ""


def _filled(text: str, known: Mapping[str, str]) -> str:
    """The text with its variables filled in; what is unknown is empty."""

    def value(found: re.Match[str]) -> str:
        name, operator, word = found[1] or found[2], found[3], found[4] or ""
        held = known.get(name, "")
        if operator == ":+":
            return word if held else ""
        return held or word

    return _VARIABLE.sub(value, text)


def _words(text: str) -> list[str]:
    return [word.replace('"', "").replace("'", "") for word in text.split()]


def _option(rest: str, name: str) -> str:
    """The value of `--name=value` before an instruction's arguments; empty without it."""
    for word in rest.split():
        if not word.startswith("--"):
            break
        key, _, value = word.removeprefix("--").partition("=")
        if key == name:
            return value
    return ""


def _sources(rest: str) -> list[str]:
    """All that an ADD names but the last, which is where it goes."""
    words = rest.split()
    while words and words[0].startswith("--"):
        words.pop(0)
    arguments = " ".join(words)
    if arguments.startswith("["):
        try:
            return [str(each) for each in json.loads(arguments)][:-1]
        except (ValueError, TypeError):
            pass  # the builder takes it for plain words, too
    return words[:-1]


def _may_be_address(source: str) -> bool:
    plain = re.sub(r"[\\`\"']", "", source)
    return "$" in plain or "://" in plain or re.match(r"git@|github\.com/", plain) is not None
