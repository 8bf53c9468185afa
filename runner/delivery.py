"""A saved delivery: what a forge has posted to a hook, in a file, as the event of a local run.

The file is JSON with `headers` and `body`, as `headrace deliveries show --output json` prints it; or put together by
hand from what the forge's own page of its hook shows. Nobody but this machine hears of it, so who sent it is no matter.
"""

from pathlib import Path
from typing import Any

import msgspec

from pipelines.deliveries import READERS
from pipelines.deliveries.fields import Unreadable
from pipelines.deliveries.reading import Reading, read
from pipelines.event import Event, Repository
from runner.errors import UsageError

_LARGEST_BYTES = 64 * 1024 * 1024
# Forgejo sends Gitea's headers, too, and both send GitHub's.
_TELLING = {
    "x-forgejo-event": "forgejo",
    "x-gitea-event": "gitea",
    "x-gitlab-event": "gitlab",
    "x-event-key": "bitbucket",
    "x-github-event": "github",
    "webhook-id": "git",
}


class SavedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it was saved. Without `forge` the headers tell. `path` is where it was read from."""

    headers: dict[str, str]
    body: Any
    forge: str = ""
    path: str = ""


def read_delivery(path: Path) -> SavedDelivery:
    """The delivery in a file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES + 1)
        saved = msgspec.json.decode(text, type=SavedDelivery)
    except OSError as error:
        raise UsageError(f"--delivery {path}: can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--delivery {path}: {error}; expected JSON with headers and body, as "
            "`headrace deliveries show OWNER/NAME N --output json` prints it"
        ) from error
    headers = {name.lower(): value for name, value in saved.headers.items()}
    return msgspec.structs.replace(saved, headers=headers, path=str(path))


def delivered_event(saved: SavedDelivery, repository: Repository, *, ref: str = "") -> Event:
    """The event that a delivery stands for; where there are several, that of `ref`. Raises UsageError."""
    forge = saved.forge or next((name for header, name in _TELLING.items() if header in saved.headers), "")
    if forge not in READERS:
        raise UsageError(
            f"--delivery {saved.path}: no header says which forge sent it: add forge: {', '.join(READERS)}"
        )
    said = _reading(saved, forge, repository)
    found = [event for event in said.events if ref in ("", event.ref)]
    if not found:
        of_ref = f" for {ref}" if said.events else f": {said.ignored}"
        raise UsageError(f"--delivery {saved.path}: the delivery asks for no run{of_ref}")
    if len(found) > 1:
        refs = ", ".join(event.ref for event in found)
        raise UsageError(f"--delivery {saved.path}: the delivery asks for several runs: choose one by --ref: {refs}")
    return found[0]


def _reading(saved: SavedDelivery, forge: str, repository: Repository) -> Reading:
    text = saved.body.encode() if isinstance(saved.body, str) else msgspec.json.encode(saved.body)
    try:
        return read(READERS[forge], saved.headers, text, msgspec.structs.replace(repository, forge_type=forge))
    except Unreadable as error:
        raise UsageError(f"--delivery {saved.path}: {error}") from error
