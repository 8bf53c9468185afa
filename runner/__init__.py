"""Carries out a Plan in containers on one machine, and holds the local commands."""
