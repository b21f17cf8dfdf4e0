"""torch.export archives that write a marker file when they are opened carelessly."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAMPLE_INPUTS, PROGRAM = "data/sample_inputs/model.pt", "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


class Payload:
    """Pickles as a call that creates `marker`."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.marker,)


def write_program(path: Path) -> Path:
    """Write a program of torch.export with a free batch, a buffer and a guard on its sizes."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(3, 8, 3)
            self.last = torch.nn.Linear(8, 5)
            self.register_buffer("scale", torch.ones(5))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.last(torch.relu(self.first(image)).mean((2, 3))) * self.scale + torch.tensor(0.5)

    torch.manual_seed(3)
    free = {"image": {0: torch.export.Dim("n", min=1, max=64)}}
    program = torch.export.export(Net().eval(), (), {"image": torch.zeros(2, 3, 16, 16)}, dynamic_shapes=free)
    torch.export.save(program, str(path))
    return path


def rewrite(path: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
    """Change members of the archive by their names inside its folder; a member that is not there is added."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    top = next(iter(members)).split("/")[0]
    for name, change in changes.items():
        members[f"{top}/{name}"] = change(members.get(f"{top}/{name}", b""))
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def in_json(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """Return a change of bytes that hold a JSON document."""

    def changed(data: bytes) -> bytes:
        document = json.loads(data)
        change(document)
        return json.dumps(document).encode()

    return changed


def torch_saved(thing: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def _call(marker: Path) -> str:
    return f"__import__('pathlib').Path({str(marker)!r}).touch()"


def pickled_inputs(path: Path, marker: Path) -> None:
    rewrite(path, {SAMPLE_INPUTS: lambda _old: torch_saved(((Payload(marker),), {}))})


def pickled_weight(path: Path, marker: Path) -> None:
    def mark(config: Any) -> None:
        next(iter(config["config"].values()))["use_pickle"] = True

    rewrite(path, {WEIGHTS: in_json(mark), "data/weights/weight_0": lambda _old: torch_saved(Payload(marker))})


def pickled_object(path: Path, marker: Path) -> None:
    config = {
        "config": {"thing": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}}
    }
    changes: dict[str, Callable[[bytes], bytes]] = {
        "data/constants/model_constants_config.json": lambda _old: json.dumps(config).encode(),
        "data/constants/opaque_obj_0": lambda _old: pickle.dumps(Payload(marker)),
    }
    rewrite(path, changes)


def old_weights(path: Path, marker: Path) -> None:
    rewrite(path, {"data/weights/model.pt": lambda _old: torch_saved({"x": Payload(marker)})})


def evaluated_size(path: Path, marker: Path) -> None:
    def mark(program: Any) -> None:
        sizes = program["graph_module"]["graph"]["tensor_values"]["image"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = f"({_call(marker)}, Symbol('s', integer=True))[1]"

    rewrite(path, {PROGRAM: in_json(mark)})


def executed_guard(path: Path, marker: Path) -> None:
    def mark(program: Any) -> None:
        program["guards_code"] = [f"{_call(marker)} is None"]

    rewrite(path, {PROGRAM: in_json(mark)})


def file_operator(path: Path, marker: Path) -> None:
    def mark(program: Any) -> None:
        graph = program["graph_module"]["graph"]
        arguments = {"filename": {"as_string": str(marker)}, "shared": {"as_bool": True}, "size": {"as_int": 4}}
        node = {
            **graph["nodes"][-1],
            "target": "torch.ops.aten.from_file.default",
            "inputs": [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()],
            "outputs": [{"as_tensor": {"name": "mapped"}}],
            "name": "mapped",
        }
        graph["nodes"].append(node)
        graph["tensor_values"]["mapped"] = next(iter(graph["tensor_values"].values()))

    rewrite(path, {PROGRAM: in_json(mark)})


MADE: dict[str, Callable[[Path, Path], None]] = {
    make.__name__: make
    for make in (
        pickled_inputs, pickled_weight, pickled_object, old_weights, evaluated_size, executed_guard, file_operator,
    )
}  # fmt: skip
