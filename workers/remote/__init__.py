"""Serve a Fettle on another computer over SSH: what it may request here is a closed list of verbs."""
