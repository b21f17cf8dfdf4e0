"""What the words of commands mean: paths, choices, data and limits that several commands take."""
