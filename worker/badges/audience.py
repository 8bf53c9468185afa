"""Audience: who may see a badge."""

from enum import StrEnum


class Audience(StrEnum):
    """Everybody, or those who have logged in here."""

    PUBLIC = "public"
    PRIVATE = "private"
