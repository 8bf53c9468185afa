"""Statuses: what the forge is told of runs and jobs, in its own words, once and in order."""
