"""Examples before a run: read, looked at, checked, fed."""
