"""PullProgress: how far the pull of an image has come."""

import msgspec

_MEGABYTE = 1_000_000


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Of its layers, and of their bytes as they are sent. `bytes_total` is None until each layer's size is known.

    A pull that `has_ended` was a success, has failed, or isn't waited for any more.
    """

    layers: int = 0
    layers_done: int = 0
    bytes_done: int = 0
    bytes_total: int | None = None
    has_ended: bool = False

    def __str__(self) -> str:
        """In words: `3 of 7 layers, 42.1 MB of 98.3 MB`."""
        if not self.layers:
            return "waiting for the registry"
        counted = f"{self.layers_done} of {self.layers} layers"
        return f"{counted}, {self._bytes()}" if self.bytes_done else counted

    def _bytes(self) -> str:
        done = _megabytes(self.bytes_done)
        return done if self.bytes_total is None else f"{done} of {_megabytes(self.bytes_total)}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / _MEGABYTE:.1f} MB"
