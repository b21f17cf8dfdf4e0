"""Open models of all formats, convert them to one inner form (ONNX beside its pipeline), and check them."""
