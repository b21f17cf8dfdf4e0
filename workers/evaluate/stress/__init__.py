"""Test the original and a version under stress: changed inputs, unfamiliar inputs, attacks, triggers and poison."""
