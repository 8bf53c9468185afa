"""Source: one workflow file as a tree of nodes, with what it includes and extends in it, and new names for old ones."""

from dataclasses import dataclass

from pipelines.event import Included
from pipelines.nodes import Node
from pipelines.places import Place
from pipelines.reading.document import read_document
from pipelines.reading.extends import with_bases
from pipelines.reading.includes import Includes
from pipelines.reading.library import NOTHING, Library
from pipelines.reading.oldnames import with_new_names
from pipelines.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What became of a file: its tree, None if nothing can be made of it, and the other repositories it includes."""

    root: Node | None
    included: tuple[Included, ...] = ()


def read_source(text: bytes, report: Report, *, library: Library = NOTHING) -> Source:
    """Read the report's file, which may include what is in the library. Never raises: the report says what is wrong."""
    root = read_document(text, report)
    if root is None:
        return Source(root=None)
    renamed = with_new_names(Place(root, "", report), text)
    includes = Includes(report, with_new_names)
    whole = includes.merged(renamed, library, (report.file,))
    return Source(root=with_bases(whole, report), included=includes.included)
