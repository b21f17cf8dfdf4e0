"""Files of PyTorch: checkpoints, TorchScript, and what has to be known before any is read."""
