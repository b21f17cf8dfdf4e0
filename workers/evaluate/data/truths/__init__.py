"""Read labels from files next to the data: boxes, masks, pairs of sentences. One file for each format."""
