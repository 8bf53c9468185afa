"""`headrace decline`: the other answer than `headrace approve`."""

from worker.commands.approve import decline_command as command

__all__ = ["command"]
