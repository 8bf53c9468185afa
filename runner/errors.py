"""What can go wrong in the runner.

RunnerError
├── UsageError         the command line or the workflow file is wrong: exit code 2
├── SourceError        a repository can't be read, cloned or checked out
│   └── SourceDamaged  our copy of it is damaged: who asks again gets another
├── SinkError          whoever takes the Records doesn't
├── RemoteError        a server doesn't answer, or not as a server does
├── ArtifactError      a file can't be kept as an artifact
└── BackendError       the engine is missing, refuses or fails
    └── StepError      the engine is well, but won't run a container as its step asks for it
        └── ImageError an image can't be had: named clearly, so that nobody searches the machinery for it
            └── BuildError its own build fails, which is the author's failure
"""


class RunnerError(Exception):
    """Base of all that the runner raises on purpose. Its text is one line for people; `exit_code` the command's."""

    exit_code = 3


class UsageError(RunnerError):
    """Raised when what the user gave can't be used as it is."""

    exit_code = 2


class SourceError(RunnerError):
    """Raised when a repository can't be read, cloned or checked out."""


class SourceDamaged(SourceError):  # noqa: N818 - a thing that happens
    """Raised when our own copy of a repository turns out to be damaged. Who asks again gets one that is made anew."""


class SinkError(RunnerError):
    """Raised when a Sink didn't take a Record: what happens from then on can't be told."""


class RemoteError(RunnerError):
    """Raised when a server doesn't answer, or not as a Headrace server does."""


class ArtifactError(RunnerError):
    """Raised when a file can't be kept as an artifact: its size, its path or the disk is in the way."""


class BackendError(RunnerError):
    """Raised when the container engine is missing, refuses or fails."""


class StepError(BackendError):
    """Raised when the engine won't make or start a container as its step asks for it. Other steps may well run."""


class ImageError(StepError):
    """Raised when an image can't be found, pulled or used on this machine."""


class BuildError(ImageError):
    """Raised when an image's own build fails. `code` is the exit code of the command that did, if one did."""

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.code = code
