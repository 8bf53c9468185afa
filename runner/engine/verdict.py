"""Verdict: what an engine's words about a failed pull mean: is it worth another try, and how to say it.

DESIGN. An engine passes on what a registry said as free text, mostly under status 500, and never its headers. So the
text has to be read; this table is the one place that does. What it doesn't know is taken for a passing trouble, as a
registry that is down or overloaded has a thousand ways to say so.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`words` for people; `is_final` if another try can't help; after how many seconds the registry wants that one."""

    words: str
    is_final: bool = True
    retry_after_seconds: float | None = None


def judge(text: str, status: int, registry: str, *, had_login: bool) -> Verdict:
    """What it means that the engine answered a pull with this text and HTTP status (0: in the midst of the pull)."""
    if "toomanyrequests" in text or "429" in text:
        words = f"the registry {registry} has had too many requests from here: {text}"
        return Verdict(words=words, is_final=False, retry_after_seconds=_retry_after(text))
    if status == 400:
        return Verdict(words=f"this is no image's name: {text}")
    login = _REFUSED_LOGIN if had_login else f"wants a login (type: docker login {registry})"
    for pattern, words in _FINAL:
        if found := re.search(pattern, text):
            return Verdict(words=words.format(*found.groups(), registry=registry, login=login))
    if status == 404:
        return Verdict(words=_MISSING.format(registry=registry))
    return Verdict(words=f"it can't be pulled: {text}", is_final=False)


_REFUSED_LOGIN = "refuses the login that Docker's configuration has for it"
_MISSING = "the registry {registry} has no such image"
_FINAL = (
    (r"repository does not exist or may require", _MISSING + ", or {login}"),
    (r"manifest unknown|name unknown|repository .* not found", _MISSING),
    (r"no basic auth|unauthorized|authentication required|denied|forbidden", "the registry {registry} {login}"),
    (r"no matching manifest for (\S+/\S+)", "there is none for {0}, which is what this machine runs"),
    (
        r"no image found in manifest list for architecture (\w+)",
        "there is none for {0}, which is what this machine runs",
    ),
    (r"no match for platform in manifest", "there is none for this machine's kind of processor"),
    (r"no space left on device", "there is no space left on the container engine's disk"),
    (
        r"(no such host|x509: .*|server gave HTTP response to HTTPS client|does not look like a TLS handshake)",
        "the registry {registry} is no use: {0}",
    ),
)
"""What no second try would change. `{0}` is the pattern's group."""

_DURATION = r"([0-9]+(?:\.[0-9]+)?)(ns|µs|us|ms|s|m|h)?"
_UNITS = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def _retry_after(text: str) -> float | None:
    """The pause in seconds that some registries ask for in their text: `retry-after: 1.5s`, `retry-after: 2m3s`."""
    found = re.search(rf"(?i)retry-after:? *((?:{_DURATION})+)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_DURATION, found[1])) if found else None
