"""Store the records of a run beside its versions, and turn them into documents."""
