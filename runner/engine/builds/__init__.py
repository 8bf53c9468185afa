"""Builds: images made from the workspace, for steps that have `build` instead of an image."""
