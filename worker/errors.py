"""What can go wrong in the service.

ServiceError
├── SettingsError      a setting's value can't be used
├── NotFound           no such repository, run, job, step or artifact: HTTP 404
├── Gone               it was there, and is not kept any more: HTTP 410
├── Conflict           it exists already, or is in a state that forbids this: HTTP 409
├── Refused            a delivery whose signature doesn't verify: HTTP 401
├── Unidentified       nobody has proved who they are: HTTP 401
├── Forbidden          who asks is known, and may not: HTTP 403
├── TooMany            too many attempts failed: HTTP 429
├── Malformed          a delivery or request that can't be understood: HTTP 400
├── Misfit             values that are not of the types asked for: HTTP 422
├── TooLarge           a body over the limit: HTTP 413
├── Unsealable         a secret can't be sealed or opened: its key is missing, or it was changed
└── Unavailable        something we need doesn't answer: HTTP 503
"""

from collections.abc import Mapping


class ServiceError(Exception):
    """Base of all that the service raises on purpose. Its text is one line for people; `exit_code` a command's."""

    exit_code = 3


class SettingsError(ServiceError):
    """Raised when a setting's value can't be used. Names the setting, the value and what was expected."""

    exit_code = 2


class NotFound(ServiceError):  # noqa: N818 -- reads as what it is: `raise NotFound("no repository acme/web")`
    """Raised when there is no such repository, run, job, step or artifact."""

    exit_code = 2


class Gone(ServiceError):  # noqa: N818
    """Raised when something was there and is not kept any more. Says since when and why, where that is known."""

    exit_code = 2


class Conflict(ServiceError):  # noqa: N818
    """Raised when the thing exists already, or is in a state that forbids what was asked."""

    exit_code = 2


class Refused(ServiceError):  # noqa: N818
    """Raised when a delivery's signature does not verify. It makes no run."""


class Unidentified(ServiceError):  # noqa: N818
    """Raised when who asks has not proved who they are, or what they gave proves nothing any more."""


class Forbidden(ServiceError):  # noqa: N818
    """Raised when who asks is known, and may not do this."""

    exit_code = 2


class TooMany(ServiceError):  # noqa: N818
    """Raised when too many attempts have failed. `retry_after_seconds` says when to come again."""

    def __init__(self, text: str, *, retry_after_seconds: int) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Malformed(ServiceError):  # noqa: N818
    """Raised when a delivery or a request can't be understood."""

    exit_code = 2


class Misfit(ServiceError):  # noqa: N818
    """Raised when values are not of the types asked for. `fields` says of each, by its place in the request, why."""

    exit_code = 2

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{place} {what}" for place, what in fields.items()))
        self.fields = fields


class TooLarge(ServiceError):  # noqa: N818
    """Raised when a body is larger than the limit."""


class Unsealable(ServiceError):  # noqa: N818
    """Raised when a secret can't be sealed or opened. Names where it stands, and never what it is."""


class Unavailable(ServiceError):  # noqa: N818
    """Raised when something the service needs, such as the database or Redis, does not answer."""
