"""Worker runtime: start, message loop, sandbox, limits and failure reports of a job."""
