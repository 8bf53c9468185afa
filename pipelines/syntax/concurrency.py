"""The keys of a `concurrency`: how many jobs may run at once."""

from pipelines.details import Concurrency
from pipelines.syntax.forms import FLAG, TEXT, Form, map_or, mapped
from pipelines.syntax.keys import H, Key, Keys, plain_record
from pipelines.syntax.quantities import whole

_LIMIT = whole(lowest=1, highest=10_000)
_CONCURRENCY_KEYS = Keys(
    owner="a concurrency",
    known=(
        Key(name="limit", form=_LIMIT, meaning="Jobs at once.", required=True),
        Key(name="group", form=TEXT, meaning="Workflows of one group share the limit.", default="the workflow's name"),
        Key(name="cancel", form=FLAG, meaning="True to cancel older jobs to make room.", default="false", origin=H),
    ),
)
CONCURRENCY: Form[Concurrency] = map_or(
    mapped(_LIMIT, lambda limit: Concurrency(limit=limit)),
    plain_record(_CONCURRENCY_KEYS, Concurrency),
)
