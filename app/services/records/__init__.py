"""Store the records of a run and its versions, and turn them into documents."""
