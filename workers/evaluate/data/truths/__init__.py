"""Read labels that lie beside the data: boxes, masks, pairs of sentences. One file for each format."""
