"""A Headrace server, as a command on somebody's machine speaks to it: over its API, with a token."""
