"""Define what a project is with frozen dataclasses and pure functions, without a store, process or window."""
