"""The workflow language: YAML text → Workflow → Plan, and the Records that tell what became of it.

Everything here is pure: no clock, no environment, no disk, no network.
"""
