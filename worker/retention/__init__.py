"""Retention: what is kept for how long, what has to go, and that it goes."""
