"""What a container engine is asked, by its noun: functions of the Connection to it, which `Engine` has as methods."""
