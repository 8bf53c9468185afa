"""Progress: what an engine's many messages about one pull amount to, in one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MEGABYTE = 1_000_000
_DONE = {"Pull complete", "Already exists"}
_DOWNLOADED = {"Verifying Checksum", "Download complete", "Extracting"}
_OTHERS = {"Pulling fs layer", "Waiting", "Downloading"}


@dataclass(slots=True)
class _Layer:
    """One layer on its way. `total_bytes` is None until its download has begun."""

    is_done: bool = False
    current_bytes: int = 0
    total_bytes: int | None = None


class Progress:
    """Takes the messages of a pull in order; `str()` says how far it is: `3 of 7 layers, 42.1 MB of 98.3 MB`."""

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}

    def take(self, message: Mapping[str, Any]) -> None:
        """Note what a message says about a layer; others are let pass."""
        status = message.get("status")
        if "id" not in message or status not in _DONE | _DOWNLOADED | _OTHERS:
            return
        layer = self._layers.setdefault(str(message["id"]), _Layer())
        if status == "Downloading":
            detail = message.get("progressDetail") or {}
            layer.current_bytes = int(detail.get("current") or 0)
            layer.total_bytes = int(detail.get("total") or 0) or None
        elif status in _DOWNLOADED | _DONE:
            layer.current_bytes = layer.total_bytes or layer.current_bytes
        if status in _DONE:
            layer.is_done, layer.total_bytes = True, layer.current_bytes

    def __str__(self) -> str:
        layers = self._layers.values()
        if not layers:
            return "waiting for the registry"
        counted = f"{sum(layer.is_done for layer in layers)} of {len(layers)} layers"
        return f"{counted}, {self._bytes()}" if any(layer.current_bytes for layer in layers) else counted

    def _bytes(self) -> str:
        """What has been downloaded; of how much, only once every layer's size is known."""
        totals = [layer.total_bytes for layer in self._layers.values()]
        current = _megabytes(sum(layer.current_bytes for layer in self._layers.values()))
        known = [total for total in totals if total is not None]
        return f"{current} of {_megabytes(sum(known))}" if len(known) == len(totals) else current


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / _MEGABYTE:.1f} MB"
