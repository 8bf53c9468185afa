"""Substitutes `${NAME}` in one text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.allowance import MAX_CHARACTERS, Allowance
from pipelines.substitution.operators import MAX_SIZE, apply
from pipelines.substitution.templates import DEFAULTS, Reference, Template, TemplateError, parse

_LEFT_TO_THE_SHELL = frozenset({":?", ":+"})


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text in which names have become values. `unknown` are those without a value or a default, each once."""

    text: str
    unknown: tuple[str, ...] = ()


def may_change(text: str) -> bool:
    """False for a text that no substitution changes, which is quick to see."""
    return "$" in text or "\\" in text


def substitute(
    text: str, variables: Mapping[str, str], *, in_shell: bool = False, allowance: Allowance | None = None
) -> Substituted:
    """The text for these variables. Raises TemplateError if a `${` in it is malformed.

    A name that is not among them is empty; one that is set to nothing is known, and empty too. With `in_shell` the
    text is a command: what isn't known here is left as it stands for the shell, and so are `:?` and `:+`.
    `allowance` is that of the text's file.
    """
    if not may_change(text):
        return Substituted(text)
    substitution = _Substitution(variables, allowance or Allowance())
    return Substituted(substitution.text(parse(text), in_shell=in_shell), tuple(substitution.unknown))


class _Substitution:
    def __init__(self, variables: Mapping[str, str], allowance: Allowance) -> None:
        self._variables = variables
        self._allowance = allowance
        self.unknown: dict[str, None] = {}

    def text(self, template: Template, *, in_shell: bool) -> str:
        """What the template becomes."""
        parts = (part if isinstance(part, str) else self._value(part, in_shell=in_shell) for part in template)
        text = "".join(parts)
        if not self._allowance.characters.take(len(text)):
            raise TemplateError(
                f"the file grows to more than {MAX_CHARACTERS:,} characters, once `${{}}` has its values"
            )
        if len(text) > MAX_SIZE:
            raise TemplateError(f"a text grows to more than {MAX_SIZE:,} characters")
        return text

    def _value(self, reference: Reference, *, in_shell: bool) -> str:
        value = self._variables.get(reference.name)
        if value is None and reference.operator not in DEFAULTS:
            self.unknown[reference.name] = None
        if in_shell and _is_the_shells(reference, value):
            return reference.source
        # Of the arguments only a default goes on to the shell, as it stands.
        in_default = in_shell and reference.operator in DEFAULTS
        arguments = [self.text(argument, in_shell=in_default) for argument in reference.arguments]
        value = _on_one_line(value) if value and in_shell else value or ""
        return apply(reference.operator, value, arguments, self._allowance)


def _on_one_line(value: str) -> str:
    """In a command, lines of a value must not become lines of the script: Woodpecker writes them as `"a\\nb"`."""
    return json.dumps(value, ensure_ascii=False) if "\n" in value else value


def _is_the_shells(reference: Reference, value: str | None) -> bool:
    """True if the shell does better: it knows more names, and takes several lines as one value."""
    if value is None or reference.operator in _LEFT_TO_THE_SHELL:
        return True
    return not reference.operator and "\n" in value
