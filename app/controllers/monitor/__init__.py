"""Controller of the page Monitor, which shows a bundle's log that a worker process reads."""
