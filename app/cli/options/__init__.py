"""Parse options that several commands share: paths, choices, data and limits."""
