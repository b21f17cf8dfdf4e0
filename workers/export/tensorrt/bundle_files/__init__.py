"""Files that are copied into TensorRT bundles."""
