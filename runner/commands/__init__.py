"""The local commands, one a file."""
