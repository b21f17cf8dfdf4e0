"""Opening models: one module a format, all turned into one inner form (ONNX beside its pipeline) and
checked."""
