"""Forms of what reaches out of a container: volumes, devices, directories in memory, hosts and name servers, ports.

A text that an engine would refuse is told here, with its place; what an engine alone knows, as whether there is such a
device, is told when the step starts.
"""

import posixpath
import re
from ipaddress import ip_address

from pipelines.nodes import Map
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.syntax.forms import TEXT, Form, checked, one_or_many

_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_OUR_NAMES = "headrace-"
_OUR_DIRECTORY = "/.headrace"
_VOLUME_MODES = frozenset({
    "ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent",
    "shared", "slave", "private", "rshared", "rslave", "rprivate",
})  # fmt: skip
_MEMORY_OPTIONS = frozenset({
    "size", "mode", "uid", "gid", "nr_inodes",
    "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev",
})  # fmt: skip
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}(/(tcp|udp|sctp))?")


def _volume(text: str) -> str:
    """What is wrong with `/target`, `source:target` or `source:target:modes`."""
    source, *more = text.split(":")
    if not more:
        return _target(source)
    if len(more) > 2:
        return "has too many colons; write `source:target` or `source:target:ro`"
    return _source(source) or _target(more[0]) or _options(more[1:], _VOLUME_MODES)


def _source(text: str) -> str:
    if text.startswith("/"):
        return ""
    if not _VOLUME_NAME.fullmatch(text):
        return "must begin with an absolute path of the machine or with the name of a volume"
    is_ours = text.startswith(_OUR_NAMES)
    return f"names a volume of Headrace itself: no other's begins with `{_OUR_NAMES}`" if is_ours else ""


def _target(text: str) -> str:
    path = posixpath.normpath(text)
    if not text.startswith("/") or path.strip("/") == "":
        return "must name an absolute path of the container, below /"
    if path == _OUR_DIRECTORY or path.startswith(f"{_OUR_DIRECTORY}/"):
        return f"can't be at {_OUR_DIRECTORY}, where Headrace has its own"
    return ""


def _options(words: list[str], known: frozenset[str]) -> str:
    """What is wrong with a list of options behind a colon, if there is one."""
    names = (word.partition("=")[0] for word in ",".join(words).split(",") if words)
    strange = next((name for name in names if name not in known), None)
    return "" if strange is None else f"has the option `{strange}`; there are {', '.join(sorted(known))}"


def _device(text: str) -> str:
    """What is wrong with `source`, `source:target` or `source:target:permissions`."""
    source, *more = text.split(":")
    if not all(path.startswith("/dev/") for path in (source, *more[:1])):
        return "must be a path below /dev, or two with a colon between"
    if len(more) > 2 or not set("".join(more[1:])) <= set("rwm"):
        return "may end with permissions, which are letters of `rwm`"
    return ""


def _in_memory(text: str) -> str:
    """What is wrong with `/target` or `/target:options`."""
    target, colon, options = text.partition(":")
    return _target(target) or _options([options] if colon else [], _MEMORY_OPTIONS)


def _extra_host(text: str) -> str:
    """What is wrong with `name:address`."""
    name, _, address = text.partition(":")
    if not _HOST_NAME.fullmatch(name):
        return "must be `name:address`"
    return "" if address == "host-gateway" else _address(address.strip("[]"))


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        return "must have an IP address, such as 192.0.2.7"
    return ""


def _domain(text: str) -> str:
    return "" if text == "." or _HOST_NAME.fullmatch(text) else "must be a domain, such as example.org"


def _text_of_volume(place: Place) -> str | None:
    if isinstance(place.node, Map):
        place.problem(f"{place.name} must be text, not a map", hint="write `source:target`; volumes have no names here")
        return None
    return TEXT.read(place)


def _port(place: Place) -> str | None:
    text = TEXT.read(place)
    if text is None or place.is_open:
        return text
    if ":" in text:
        message = f"{place.name} publishes nothing: steps reach a service by its name"
        place.problem(message, hint=f"write `{text.rpartition(':')[2]}`", level=Level.WARNING)
    port = text.rpartition(":")[2]
    if not _PORT.fullmatch(port) or not 0 < int(port.partition("/")[0]) < 65536:
        place.expected("a port such as 80 or 53/udp")
        return None
    return port


VOLUMES = one_or_many(checked(Form("source:target", _text_of_volume, TEXT.schema), _volume))
DEVICES = one_or_many(checked(TEXT, _device))
IN_MEMORY = one_or_many(checked(TEXT, _in_memory))
EXTRA_HOSTS = one_or_many(checked(TEXT, _extra_host))
NAME_SERVERS = one_or_many(checked(TEXT, _address))
DOMAINS = one_or_many(checked(TEXT, _domain))
PORTS = one_or_many(Form("a port such as 80 or 53/udp", _port, TEXT.schema))
