"""Trying a version after a run: one input, a chat, the process that stays open for it, and what is shown of it."""
