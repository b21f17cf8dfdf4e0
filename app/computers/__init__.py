"""Other computers: their records, SSH connections, and the jobs that run there."""
