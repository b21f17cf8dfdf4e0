"""What is kept of a run beside its versions, and the documents that tell it."""
