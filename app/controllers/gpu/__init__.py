"""The page of the GPU doctor."""
