"""What starts by the clock: cron expressions, the moments they mean, and the thread that looks at the clock."""
