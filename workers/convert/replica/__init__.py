"""Rebuild an ONNX graph as a torch module, for pruning with learning and for gradient attacks."""
