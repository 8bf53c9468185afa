"""The keys of a `workspace`: where the steps find their files."""

from pipelines.model import Workspace
from pipelines.paths import absolute, below
from pipelines.syntax.forms import TEXT, checked
from pipelines.syntax.keys import Key, Keys, plain_record

_WORKSPACE_KEYS = Keys(
    owner="a workspace",
    known=(
        Key(name="base", form=checked(TEXT, absolute), meaning="Where all the job's steps find its volume."),
        Key(name="path", form=checked(TEXT, below), meaning="The checkout's directory below the base."),
    ),
)
WORKSPACE = plain_record(_WORKSPACE_KEYS, Workspace)
