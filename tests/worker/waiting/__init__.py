"""Tests of what may run when."""
