"""Contracts between the application and worker processes about a process and its job."""
