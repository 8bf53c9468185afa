"""What a step leaves: log lines, artifacts, and a run's history on this machine."""
