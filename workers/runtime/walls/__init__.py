"""Sandbox of a worker process: file access, system calls, capabilities and limits."""
