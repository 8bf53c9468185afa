"""Progress: what an engine's many messages about one pull amount to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.pulls import PullProgress

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
    """Takes the messages of a pull in order."""

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

    @property
    def standing(self) -> PullProgress:
        """How far it is now."""
        layers = self._layers.values()
        totals = [layer.total_bytes for layer in layers]
        known = [total for total in totals if total is not None]
        return PullProgress(
            layers=len(layers),
            layers_done=sum(layer.is_done for layer in layers),
            bytes_done=sum(layer.current_bytes for layer in layers),
            bytes_total=sum(known) if layers and len(known) == len(totals) else None,
        )
