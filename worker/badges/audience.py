"""Audience: who may see a badge."""

from enum import StrEnum


class Audience(StrEnum):
    """Everybody, those who have an account here, or as the forge says whether the repository is private."""

    AUTO = "auto"
    PUBLIC = "public"
    PRIVATE = "private"
