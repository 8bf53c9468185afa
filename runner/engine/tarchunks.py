"""ChunkFile: a tar stream that comes in chunks, as the file that `tarfile` reads from."""

from collections.abc import Iterable


class ChunkFile:
    """A file to read from, made of chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        parts: list[memoryview] = []
        while size:
            if not self._chunk:
                self._chunk = memoryview(next(self._chunks, b""))
                if not self._chunk:
                    break
            parts.append(self._chunk[:size])
            self._chunk = self._chunk[size:]
            size -= len(parts[-1])
        return b"".join(parts)
