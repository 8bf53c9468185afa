"""Settings: the one list of all that can be set, where values come from, and what is said of one that can't be used."""
