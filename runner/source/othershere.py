"""Other repositories that workflow files of a working tree include: as on a server, with mirrors of the user's own."""

from pathlib import Path

from runner.config import Config
from runner.source.access import MACHINE
from runner.source.others import Origin, Others
from runner.source.tries import Tries
from runner.source.working_tree import WorkingTree
from runner.stop import Stop


def others_here(directory: Path, stop: Stop) -> tuple[Others, Origin]:
    """The other repositories, to be fetched below the state directory, and what the working tree's own one is called.

    Raises UsageError for settings that are wrong.
    """
    address = WorkingTree.around(directory).remote_url()
    return Others(Config.read().mirrors_directory, tries=Tries(stop=stop)), Origin(address=address, access=MACHINE)
