"""Check and read files of PyTorch: checkpoints and TorchScript."""
