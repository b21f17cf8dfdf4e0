"""Try a version after a run: single inputs, chats, the process that stays open for them, and the display."""
