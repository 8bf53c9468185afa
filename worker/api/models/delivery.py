"""What forges have sent, and how it was answered."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from worker.api.models.basics import Time, Url
from worker.store.deliveries import Verdict


class AcceptedRun(BaseModel):
    """A run that a delivery asked for."""

    id: str
    number: int
    url: Url


class AcceptedDelivery(BaseModel):
    """The runs of a delivery, stored; the same ones if it was sent before. `run` and `url` are the first one's."""

    run: str
    url: Url
    runs: list[AcceptedRun]


class DeliverySummary(BaseModel):
    """What a forge has sent, and what became of it. Only of one that is *refused* nobody knows who sent it."""

    id: Annotated[int, Field(description="counts over all repositories")]
    repository: Annotated[str, Field(description="`owner/name`")]
    forge: str
    key: Annotated[str, Field(description="the forge's id of it, if it was understood")]
    event: Annotated[str, Field(description="the forge's name for what happened, if it was understood")]
    verdict: Verdict
    status_code: Annotated[int, Field(description="that it was answered with")]
    answer: Annotated[str, Field(description="why there is no run")]
    size_bytes: Annotated[int, Field(description="of the body as it was sent", ge=0)]
    received_at: Time
    runs: Annotated[list[AcceptedRun], Field(description="those that it made, delivered again or not")]


class Delivery(DeliverySummary):
    """A delivery with what was sent. `headrace run --delivery FILE` takes it as it is."""

    headers: Annotated[dict[str, str], Field(description="those that say what was sent, in lower case")]
    body: Annotated[Any, Field(description="the payload; of one that was not understood its beginning, as text")]


class Deliveries(BaseModel):
    """Deliveries, latest first. `before` gives the next ones, null if there are none."""

    deliveries: list[DeliverySummary]
    before: int | None = None


class IgnoredDelivery(BaseModel):
    """A delivery that asks for no run, and why."""

    ignored: str
