"""Files that are no models, unsafe, broken or useless."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import command_models as small


class RunsCode:
    """Unpickling it creates the file `canary`."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (f"touch '{self._canary}'",)


def canary_of(path: Path) -> Path:
    return path.with_name("canary")


def truncated(path: Path) -> None:
    small.picture_model(path)
    path.write_bytes(path.read_bytes()[:400])


def html(path: Path) -> None:
    path.write_bytes(b"<!DOCTYPE html><html><body>Please sign in</body></html>")


def lfs(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1234\n")


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": RunsCode(canary_of(path))}, protocol=2))


def torch_zip(path: Path) -> None:
    """The layout of torch.save with a pickle that runs code."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"w": RunsCode(canary_of(path))}, protocol=2))
        archive.writestr("archive/version", "3\n")


def unknown_weights(path: Path) -> None:
    import torch

    torch.save({"strange.weight": torch.zeros(3, 5), "strange.bias": torch.zeros(3)}, path)


def text(path: Path) -> None:
    path.write_text("This is a letter to my aunt.\n" * 20)


def empty(path: Path) -> None:
    path.touch()


NO_MODELS: list[tuple[str, Callable[[Path], object]]] = [
    ("brief.onnx", text),
    ("leer.onnx", empty),
    ("kurz.onnx", truncated),
    ("seite.onnx", html),
    ("zeiger.safetensors", lfs),
    ("böse.pkl", pickled),
    ("böse.pth", torch_zip),
    ("fremd.pth", unknown_weights),
    ("operator.onnx", small.unknown_operator),
    ("nan.onnx", small.nan_model),
    ("ohne Eingang.onnx", small.no_input),
    ("ohne Gewichte.onnx", small.no_weights),
]
