"""What a project is: frozen dataclasses and pure functions, without a store, a process or a window."""
