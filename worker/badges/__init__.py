"""Badges: a picture of where a branch stands, for a repository's README."""
