"""What is right, as the field keeps it beside its data: boxes, masks, pairs of sentences. One format a file."""
