"""The Docker backend: everything that is asked of a container engine."""
