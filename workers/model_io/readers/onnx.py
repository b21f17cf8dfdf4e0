"""Read ONNX files of any opset that ONNX Runtime runs, with weights inside or in files beside them.

A file is checked before a runtime opens it.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined
from workers.infer.onnxruntime_cpu import import_library
from workers.model_io.budget import checking
from workers.model_io.facts import ModelFacts, info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.neighbors import facts_of_file
from workers.model_io.readers.onnx_graph import nodes, read_graph, tensors
from workers.model_io.readers.zip_map import unzip_scores
from workers.model_io.runtime import load_session
from workers.model_io.words import ASK_AGAIN, damaged, first_line, refuse, shown, unsafe

MAX_INLINED_NODES = 1_000_000


def load_proto(path: Path) -> Any:
    """Return the parsed `onnx.ModelProto` without its external data.

    Raises:
        InputRefused: the file is damaged or empty.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, RecursionError, MemoryError, ValueError, OSError) as error:
        raise damaged(path, _("it is no whole ONNX model ({0}).").format(error)) from error
    if not model.HasField("graph") or not model.graph.node:
        raise refuse("empty", "The model is empty", _("{0} holds no operations.").format(path.name), ASK_AGAIN)
    if not model.graph.output:
        raise refuse("no_output", "The model has no output", _("{0} answers nothing.").format(path.name), ASK_AGAIN)
    if not all(isinstance(name, str) for name in _names(model)):  # protobuf returns invalid text as bytes
        raise damaged(path, _("it holds names that are no text."))
    return model


def _names(model: Any) -> Iterator[Any]:
    """Yield everything in the model that is text and used here."""
    for opset in model.opset_import:
        yield opset.domain
    for entry in model.metadata_props:
        yield from (entry.key, entry.value)
    for function in model.functions:
        yield from (function.domain, function.name)
    for value in (*model.graph.input, *model.graph.output):
        yield value.name
        if value.type.WhichOneof("value") == "tensor_type":
            yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in nodes(model):
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for tensor in tensors(model):
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)


def check_model(path: Path, model: Any) -> tuple[Finding, ...]:
    """Check everything that is possible without running the model; return warnings.

    Raises:
        InputRefused: the model is unsafe or damaged.
    """
    check_external(path, model)
    check_functions(path, model)
    for node in nodes(model):
        if node.op_type == "EPContext":
            raise unsafe(_("{0} holds a part that was compiled for one device (EPContext).").format(path.name))
        if any(a.name == "group" and a.i < 1 for a in node.attribute):
            raise damaged(path, _("its operation {0} has no groups.").format(shown(node.name or node.op_type, 60)))
    check_trees(path, model)
    return run_checker(path, model)


def external_files(model: Any) -> dict[str, int]:
    """Return the locations of external data with the last used byte of each."""
    ends: dict[str, int] = {}
    for tensor in tensors(model):
        if tensor.data_location != 1 and not tensor.external_data:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        places = [entries.get(name, "0") for name in ("offset", "length")]
        is_odd = not all(re.fullmatch(r"\d{1,18}", place, re.ASCII) for place in places)
        if is_odd or set(entries) - {"location", "offset", "length", "checksum"}:
            raise unsafe(
                _("The description of the separate file with the weights {0} is not valid.").format(shown(tensor.name))
            )
        location = entries.get("location", "")
        ends[location] = max(ends.get(location, 0), sum(map(int, places)))
    return ends


def check_external(path: Path, model: Any) -> None:
    """Check that external data are plain files below the model's folder, not links, and long enough."""
    for location, end in external_files(model).items():
        parts = PurePosixPath(location).parts
        odd = not location or any(char in location for char in "\\*\0")
        if odd or PurePosixPath(location).is_absolute() or PureWindowsPath(location).drive or ".." in parts:
            raise unsafe(_("{0} refers to {1}, which is outside its folder.").format(path.name, shown(location)))
        _check_plain(path, parts)
        size = _readable_size(path, path.parent.joinpath(*parts))
        if size < end:
            raise damaged(
                path, _("its weights file {0} has {1} bytes and needs {2}.").format(shown(location), size, end)
            )


def _readable_size(path: Path, weights: Path) -> int:
    try:
        with weights.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except PermissionError as error:
        raise refuse(
            "no_permission",
            "A part of the model cannot be read",
            _("{0} keeps its weights in {1}, and that file may not be read.").format(path.name, weights.name),
            "Change its permissions, or copy both files into a folder of your own.",
        ) from error


def _check_plain(path: Path, parts: tuple[str, ...]) -> None:
    where = path.parent
    for part in parts:
        where = where / part
        try:
            status = os.lstat(where)
        except OSError as error:
            raise refuse(
                "weights_missing",
                "A part of the model is missing",
                _("{0} keeps its weights in the file {1}, and that file is not beside it.").format(
                    path.name, shown(part)
                ),
                "Copy that file into the same folder, or open the whole folder.",
            ) from error
        if stat.S_ISLNK(status.st_mode):
            raise unsafe(
                _("{0} keeps its weights behind a link ({1}).").format(path.name, shown(part)),
                _("Copy the file itself there."),
            )
    if not stat.S_ISREG(status.st_mode):
        raise unsafe(_("{0} keeps its weights in {1}, which is no plain file.").format(path.name, shown(parts[-1])))
    if status.st_nlink > 1:
        raise unsafe(
            _("The weights file {0} of {1} is linked from another place as well.").format(shown(parts[-1]), path.name),
            _("Make a real copy of the folder, and open that."),
        )


def check_functions(path: Path, model: Any) -> None:
    """Check that local functions do not call themselves and do not grow without bound when inlined."""
    bodies = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(key: tuple[str, str], above: frozenset[tuple[str, str]]) -> int:
        if key in above:
            raise unsafe(_("A function of {0} calls itself without end.").format(path.name))
        if key not in sizes:
            inner = [(node.domain, node.op_type) for node in bodies[key].node]
            sizes[key] = sum(size(k, above | {key}) if k in bodies else 1 for k in inner)
        return sizes[key]

    total = sum(size((n.domain, n.op_type), frozenset()) for n in model.graph.node if (n.domain, n.op_type) in bodies)
    if total > MAX_INLINED_NODES:
        raise unsafe(_("{0} would grow to {1} operations when it is opened.").format(path.name, total))


def run_checker(path: Path, model: Any) -> tuple[Finding, ...]:
    """Run onnx's own checker; errors of shape inference alone are warnings, because runtimes often ignore them."""
    import onnx

    try:
        if any(not tensor.HasField("shape") for tensor in _tensor_types(model)):
            # the checker rejects inputs and outputs without a shape, which runtimes accept: check a copy with scalars
            copy = type(model)()
            copy.CopyFrom(model)
            for tensor in _tensor_types(copy):
                if not tensor.HasField("shape"):
                    tensor.shape.SetInParent()
            onnx.checker.check_model(copy)
            return ()
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        words = f"{path.name}: {first_line(error)}"
        raise refuse("invalid_model", "The model breaks the rules of ONNX", words, ASK_AGAIN) from error
    except (ValueError, RuntimeError, UnicodeError, MemoryError) as error:
        raise damaged(path, first_line(error)) from error
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # the checker raises its own and C++ errors of several types
        return (
            warning(_("Shapes inside the model do not quite fit together: {0}").format(shown(first_line(error), 200))),
        )
    return ()


def _tensor_types(model: Any) -> Iterator[Any]:
    for value in (*model.graph.input, *model.graph.output):
        kind = value.type
        while (field := kind.WhichOneof("value")) in ("sequence_type", "optional_type"):
            kind = getattr(kind, field).elem_type
        if field == "tensor_type":
            yield kind.tensor_type


def check_trees(path: Path, model: Any) -> None:
    """Check that decision trees stay within their input, which runtimes do not check."""
    dims = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}  # none for other types
    widths = {name: sizes[-1].dim_value for name, sizes in dims.items() if sizes}
    for node in nodes(model):
        if not node.op_type.startswith("TreeEnsemble") or not node.input:
            continue
        features = [i for a in node.attribute if a.name == "nodes_featureids" for i in a.ints]
        width = widths.get(node.input[0], 0)
        if features and (min(features) < 0 or (width and max(features) >= width)):
            raise unsafe(_("A decision tree in {0} reads beyond the end of its input.").format(path.name))


_LONGEST = 200


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read, check and load the graph without running it."""
    import_module("onnx")  # import before the time limit starts
    import_library()
    with checking(ctx, [path]):
        model = load_proto(path)
        findings = check_model(path, model)
        classes = unzip_scores(model)
        graph = read_graph(model)
        _refuse_long_names(path, graph.inputs + graph.outputs)
    files = (path, *(path.parent / name for name in external_files(model)))
    with checking(ctx, files):
        load_session(path)
        facts = ModelFacts(classes=classes or None).or_else(facts_of_file(path, graph.metadata))
    unzipped = (info("It gave its scores as a list of maps from class to score. Now they are an array."),)
    all_findings = (_contents(len(files) - 1), *(unzipped if classes else ()), *findings)
    draft = Draft(graph=graph, facts=facts, files=files, findings=all_findings)
    return draft, partial(_write, path, model, draft, bool(classes), ctx)


def _contents(beside: int) -> Finding:
    safe = _("ONNX holds numbers and operations, no programs, and ONNX Runtime knows all of these operations.")
    if beside <= 1:
        one = _("Its weights are in a file beside it, inside its own folder.")
        return info(joined([safe, one if beside else _("It reads no other file.")]))
    return info(joined([safe, _("Its weights are in {0} files beside it, inside its own folder.").format(beside)]))


def _write(
    path: Path, model: Any, draft: Draft, changed: bool, ctx: JobContext, params: OpenParams, target: Path
) -> Draft:
    """Copy the model into `target`, or write a changed one; external data are collected in one file beside it."""
    import onnx

    ctx.check_cancelled()
    if len(draft.files) == 1 and changed:
        onnx.save_model(model, str(target / "model.onnx"))
        return draft
    if len(draft.files) == 1:
        shutil.copyfile(path, target / "model.onnx")
        return draft

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
                _("{0} names an input or output {1!r}.").format(path.name, shown(spec.name, 60)),
                "Give its inputs and outputs short names when you export it.",
            )
