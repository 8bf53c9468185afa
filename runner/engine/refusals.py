"""Refusals: how an engine can say no, or nothing.

BackendError
├── EngineRefusal       it answers that it won't
│   └── ImageMissing    for want of an image
├── EngineSilence       it doesn't go on with what it has begun
└── EngineLost          it is not there any more, or hangs
"""

from runner.errors import BackendError


class EngineRefusal(BackendError):  # noqa: N818 - a no is its meaning
    """Raised when the engine answers that it won't. `status` is its HTTP status, `answer` its own words."""

    def __init__(self, message: str, status: int, answer: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class EngineSilence(BackendError):  # noqa: N818 - a thing that happens, like a refusal
    """Raised when the engine doesn't go on with what it has begun."""


class EngineLost(BackendError):  # noqa: N818 - as above
    """Raised when an engine that has answered before is gone, hangs, or has broken off what it said."""


class ImageMissing(EngineRefusal):
    """Raised when a container's image is not on the engine's machine."""
