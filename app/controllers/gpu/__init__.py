"""Controller of the page of the GPU doctor."""
