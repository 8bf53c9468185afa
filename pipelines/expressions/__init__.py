"""The expressions of `when: evaluate`."""
