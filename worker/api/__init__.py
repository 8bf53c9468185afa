"""The API: JSON for programs, live streams for whoever watches, downloads of what steps left behind."""
