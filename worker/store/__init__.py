"""The database: the truth about repositories, deliveries, runs, jobs, steps, artifacts and Records."""
