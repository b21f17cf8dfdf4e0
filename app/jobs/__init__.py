"""Run jobs in worker processes: start, poll, limit and end them."""
