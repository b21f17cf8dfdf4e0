"""Read ONNX files of any opset that ONNX Runtime runs, with weights inside or in files beside them."""

import shutil
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.infer.onnxruntime_cpu import import_library
from workers.model_io.budget import checking
from workers.model_io.facts import info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.neighbors import beside_file
from workers.model_io.readers.onnx_checks import check_model, external_files, load_proto
from workers.model_io.readers.onnx_graph import read_graph
from workers.model_io.runtime import load_session
from workers.model_io.words import refuse, shown

_LONGEST = 200


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read, check and load the graph without running it."""
    import_module("onnx")  # import before the time limit starts
    import_library()
    with checking(ctx, [path]):
        model = load_proto(path)
        findings = check_model(path, model)
        graph = read_graph(model)
        _refuse_long_names(path, graph.inputs + graph.outputs)
    files = (path, *(path.parent / name for name in external_files(model)))
    with checking(ctx, files):
        load_session(path)
        found = beside_file(path, graph.metadata)
    told = (_contents(len(files) - 1), *findings)
    draft = Draft(graph=graph, found=found, files=files, findings=told)
    return draft, partial(_write, path, model, draft, ctx)


def _contents(beside: int) -> Finding:
    safe = "ONNX holds numbers and operations, no programs, and ONNX Runtime knows all of these operations."
    if not beside:
        return info(f"{safe} It reads no other file.")
    what = "a file" if beside == 1 else f"{beside} files"
    return info(f"{safe} Its weights lie in {what} beside it, inside its own folder.")


def _write(path: Path, model: Any, draft: Draft, ctx: JobContext, params: OpenParams, target: Path) -> Draft:
    """Copy the model into `target`; external data are collected in one file beside it."""
    ctx.check_cancelled()
    if len(draft.files) == 1:
        shutil.copyfile(path, target / "model.onnx")
        return draft
    import onnx

    onnx.load_external_data_for_model(model, str(path.parent))
    layout = {"all_tensors_to_one_file": True, "location": "model.onnx.data", "size_threshold": 1024}
    onnx.save_model(model, str(target / "model.onnx"), save_as_external_data=True, **layout)
    return draft


def _refuse_long_names(path: Path, specs: tuple[Any, ...]) -> None:
    for spec in specs:
        if len(spec.name) > _LONGEST or not spec.name:
            raise refuse(
                "bad_name",
                "The model has an unusable name in it",
                f"{path.name} names an input or output {shown(spec.name, 60)!r}.",
                "Give its inputs and outputs short names when you export it.",
            )
