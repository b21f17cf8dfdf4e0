"""Test that this version's Python can load the window and each engine; exits with an error if not."""

import importlib

PARTS = ("PySide6.QtWidgets", "app.bootstrap", "torch", "onnxruntime", "openvino", "workers.runtime.run")

if __name__ == "__main__":
    for part in PARTS:
        importlib.import_module(part)
