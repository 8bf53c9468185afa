"""Source: one workflow file as a tree of nodes, with what it includes and extends in it, and new names for old ones."""

from collections.abc import Mapping

from pipelines.nodes import Node
from pipelines.places import Place
from pipelines.reading.document import read_document
from pipelines.reading.extends import with_bases
from pipelines.reading.includes import Includes
from pipelines.reading.oldnames import with_new_names
from pipelines.report import Report

NOTHING: Mapping[str, bytes] = {}


def read_source(text: bytes, report: Report, *, includable: Mapping[str, bytes] = NOTHING) -> Node | None:
    """The tree of the report's file; None if nothing can be made of it. Never raises: the report says why.

    `includable` has the contents of the files that it may include, by their paths from the repository's root.
    """
    root = read_document(text, report)
    if root is None:
        return None
    renamed = with_new_names(Place(root, "", report), text)
    whole = Includes(report, includable, with_new_names).merged(renamed, (report.file,))
    return with_bases(whole, report)
