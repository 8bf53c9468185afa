"""Backups: all that a service knows and keeps in one file, made while it runs, and a service made of such a file."""
