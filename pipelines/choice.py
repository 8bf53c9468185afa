"""Choice: a run of some workflows alone, as somebody asked for it. What these need runs, too."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipelines.conditions import Verdict
from pipelines.drafts import Draft
from pipelines.event import Event
from pipelines.files import workflow_name


def chosen(drafts: Iterable[Draft], names: Sequence[str]) -> tuple[Draft, ...]:
    """The drafts, in which no other workflow runs than these and what they wait for; all of them if none is named."""
    each = tuple(drafts)
    if not names:
        return each
    wanted = _with_needs(each, frozenset(names))
    reason = f"not asked for: this run is of {', '.join(names)}"
    out = Verdict(included=False, reason=reason)
    return tuple(draft if draft.workflow.name in wanted else replace(draft, verdict=out) for draft in each)


def unknown_choice(event: Event, paths: Iterable[str]) -> str:
    """One line about workflows that were asked for and that none of these files is; `""` if there are none."""
    known = sorted({workflow_name(path) for path in paths})
    unknown = [name for name in event.workflows if name not in known]
    return f"there is no workflow {', '.join(unknown)}: there are {', '.join(known)}" if unknown else ""


def _with_needs(drafts: Sequence[Draft], names: frozenset[str]) -> frozenset[str]:
    """An optional need is none: it is for where it runs anyway."""
    while True:
        chosen_ones = [draft.workflow for draft in drafts if draft.workflow.name in names]
        needs = {need.name for workflow in chosen_ones for need in workflow.depends_on if not need.optional}
        if needs <= names:
            return names
        names |= needs
