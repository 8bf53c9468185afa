"""What runs by the clock."""

from typing import Annotated

from pydantic import BaseModel, Field

from pipelines.status import Status
from worker.api.models.basics import After, Branch, Parameters, Time, Url
from worker.schedules.schedule import NAME_PATTERN

Cron = Annotated[
    str, Field(description="five fields, or `@daily` and the like", examples=["30 2 * * 1-5"], max_length=200)
]
TimeZone = Annotated[str, Field(description="a name of the tz database", examples=["Europe/Berlin"], max_length=100)]


class ScheduleChange(BaseModel, extra="forbid"):
    """What is to change of a schedule. What is left out stays as it is."""

    cron: Cron | None = None
    time_zone: TimeZone | None = None
    branch: Branch | None = None
    params: Parameters | None = None
    enabled: bool | None = None


class NewSchedule(BaseModel, extra="forbid"):
    """What is to run at which times."""

    name: Annotated[str, Field(description="what `when: cron` looks at", pattern=f"^{NAME_PATTERN}$")]
    cron: Cron
    time_zone: TimeZone = "UTC"
    branch: Branch = ""
    params: Parameters = {}
    enabled: bool = True


class LastRun(BaseModel):
    """The latest run that a schedule has made."""

    id: str
    number: int
    status: Status
    url: Url


class Schedule(BaseModel):
    """What runs at which times. `trouble` says why the server disabled it by itself, or is empty."""

    name: str
    cron: str
    time_zone: str
    branch: Annotated[str, Field(description="empty: the default branch")]
    params: dict[str, str]
    enabled: bool
    trouble: str
    next_times: Annotated[list[Time], Field(description="the next three; none while it is disabled")]
    last_at: Annotated[Time | None, Field(description="when it has last made a run")]
    last_run: Annotated[LastRun | None, Field(description="null if there is none, or not any more")]
    created_at: Time


class Schedules(BaseModel):
    """The schedules of a repository, by name."""

    schedules: list[Schedule]
    after: After
