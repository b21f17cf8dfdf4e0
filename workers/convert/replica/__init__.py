"""An ONNX graph as a torch module: pruning teaches it, attacks take its gradients."""
