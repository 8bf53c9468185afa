"""What may run when, and what waits for what: decided purely, from facts that others look up."""
