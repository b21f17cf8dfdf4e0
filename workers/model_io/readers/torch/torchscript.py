"""Read TorchScript, a program with weights, as text until the user allows it to run in the sandbox."""

import contextlib
import io
import pickletools
import re
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from workers.contracts.error_info import RequestedShape
from workers.contracts.errors import InputRefused
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.budget import checking, converting, trying
from workers.model_io.facts import Graph, ModelFacts, danger, info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.architectures import known, matching_architectures
from workers.model_io.readers.export_torch import reference
from workers.model_io.readers.fingerprints import distinctive
from workers.model_io.readers.neighbors import facts_of_file
from workers.model_io.readers.onnx import load_proto
from workers.model_io.readers.onnx_graph import read_graph
from workers.model_io.readers.torch.checkpoint import check_calls, read_member
from workers.model_io.readers.torch.zip_check import Member, read_directory
from workers.model_io.runtime import is_out_of_memory, run_error
from workers.model_io.safety import consent_needed, has_consent
from workers.model_io.words import cannot_convert, damaged, first_line, refuse, shown, unsafe

MAX_SOURCE_BYTES = 20 * 2**20
MAX_NESTING = 200
_TOUCHES_FILES = re.compile(r"\b(?:torch|aten|ops\.[\w.]+)\.(from_file|save|load|_load\w*|read_file|write_file)\b")
_EXPECTED = re.compile(
    r"(data|constants|traced_inputs)\.pkl|version|byteorder|\.data/serialization_id|\.format_version"
    r"|\.storage_alignment|(data|constants|traced_inputs)/\d+|code/.+\.py(\.debug_pkl)?|extra/.*"
)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_OUTPUT = "output"
READ_AS_TEXT = info("Its source was read as text first: nothing in it reads or writes files.")
RAN = warning("It is a program. With your consent it ran in the sandbox to be converted to ONNX, which is no program.")


def read_source(path: Path) -> str:
    """Return all source in the file as text.

    Raises:
        InputRefused: a part does not belong into TorchScript or cannot be parsed safely.
    """
    parts = []
    for member in read_directory(path):
        name = member.name.split("/", 1)[-1]
        if not _EXPECTED.fullmatch(name):
            raise unsafe(
                _("{0} holds {1}, which does not belong in TorchScript.").format(path.name, shown(member.name))
            )
        if name.startswith("code/") and name.endswith(".py"):
            parts.append(_text(path, member))
            _check_brackets(path, parts[-1])
        elif name in ("data.pkl", "constants.pkl"):
            check_calls(path, io.BytesIO(read_member(path, member)))
    return "\n".join(parts)


def _check_brackets(path: Path, source: str) -> None:
    """Check that brackets match and are not so deep that torch's own parser overflows the stack."""
    depth = deepest = 0
    for char in _STRINGS.sub("", source):
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        raise unsafe(
            _("The source in {0} is nested {1} deep, which crashes programs that read it.").format(path.name, deepest)
        )
    if depth:
        raise damaged(path, _("its source is broken."))


def _text(path: Path, member: Member) -> str:
    if member.size_bytes > MAX_SOURCE_BYTES:
        raise unsafe(_("{0} holds {1} bytes of source.").format(path.name, member.size_bytes))
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(member.name).decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise damaged(path, _("its source cannot be unpacked.")) from error


def refuse_file_access(path: Path, source: str) -> None:
    """Refuse operators that access files, because no model needs them to compute."""
    names = sorted({match[1] for match in _TOUCHES_FILES.finditer(source)})
    if names:
        raise unsafe(
            _("The program in {0} reads or writes files ({1}). It was not run.").format(path.name, ", ".join(names))
        )


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read the source as text; inputs are unknown before the program is opened."""
    with checking(ctx, [path]):
        source = read_source(path)
        refuse_file_access(path, source)
        arguments = ", ".join(_arguments(path, source))
    consent = danger("TorchScript is a program. It runs only in the sandbox, and only with your consent.")
    inputs = tuple(
        TensorSpec(name=name or "input", shape=shape, dtype="float32") for name, shape in params.shapes.items()
    )
    summary = (
        info(_("Its arguments are: {0}.").format(shown(arguments)))
        if arguments
        else info("Its arguments are not named.")
    )
    draft = Draft(Graph(inputs, ()), facts_of_file(path, {}), (path,), (consent, READ_AS_TEXT, summary))
    return draft, partial(_write, path, source, ctx)


def _arguments(path: Path, source: str) -> list[str]:
    """Return the argument names of the outermost class's forward; data.pkl names that class first."""
    described = next(m for m in read_directory(path) if m.name.split("/")[-1] == "data.pkl")
    try:
        opcodes = pickletools.genops(read_member(path, described))
        root = next((str(argument) for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"), "")
    except Exception as error:  # pickletools raises many types
        raise damaged(path, _("its description of the program is broken.")) from error
    named = re.escape(root.replace(" ", "."))
    signature = re.search(rf"def forward\(self: {named},?\s*(.*?)\) ->", source, re.S) if root else None
    return re.findall(r"(\w+):", signature[1]) if signature else []


def _write(path: Path, source: str, ctx: JobContext, params: OpenParams, target: Path) -> Draft:
    """Load and trace the program after consent.

    Raises:
        InputRefused: there is no consent, or the program is damaged or cannot be converted.
    """
    digest = sha256_file(path)
    if not has_consent(params, digest):
        detail = _("{0} holds code that has to run to be converted.").format(path.name)
        raise consent_needed(_("TorchScript is a program"), detail, ctx, digest)
    import_module("torch")  # import before the time limit starts
    with checking(ctx, [path]):
        module = _load(path)
    ctx.check_cancelled()
    tensors = dict(module.state_dict())
    shapes = distinctive({name: tuple(value.shape) for name, value in tensors.items()})
    facts, findings, size = _recognized(path, shapes)
    inputs = _inputs(path, module, source, params, size)
    outputs = _convert(path, module, inputs, target, ctx)
    # traced programs may hold weights as constants, so the written file is counted
    written = read_graph(load_proto(target / "model.onnx"))
    numbers = sum(p.numel() for p in module.parameters()) or written.parameters
    graph = Graph(inputs, outputs, numbers, written.weight_bytes)
    facts = facts_of_file(path, {}).or_else(facts)
    names = tuple(spec.name for spec in inputs)
    summary = (RAN, READ_AS_TEXT, *findings)
    return Draft(graph, facts, (path,), summary, reference(module, names, tuple(o.name for o in outputs)))


def _load(path: Path) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError, AttributeError, NotImplementedError, LookupError) as error:
        raise damaged(path, shown(first_line(error), 200)) from error


def _recognized(
    path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[ModelFacts, tuple[Finding, ...], tuple[int, int, int] | None]:
    """Return facts, findings and input size of the library's architecture with these weights, if there is one."""
    fitting = matching_architectures(shapes)
    if not fitting:
        return ModelFacts(), (), None
    name, classes = fitting[0]
    facts, size = known(name, sha256_file(path), classes)
    summary = info(
        _("Its weights have the names and shapes of {0}; preprocessing and classes are taken from there.").format(name)
    )
    return facts, (summary,), size


def _inputs(
    path: Path, module: Any, source: str, params: OpenParams, size: tuple[int, int, int] | None
) -> tuple[TensorSpec, ...]:
    """Return the inputs: names from the source, shapes from the user, the trace, or the architecture."""
    names = _forward_names(module) or _arguments(path, source) or ["input"]
    shapes: list[tuple[int | str | None, ...]] = []
    for name in names:
        given = params.shapes.get(name) or (params.shapes.get("") if len(names) == 1 else None)
        if given:
            shapes.append(tuple(given))
        elif len(names) == 1 and size is not None:
            shapes.append((1, *size))
        else:
            raise refuse(
                "shape_needed",
                "The shape of the input is not known",
                _("{0} does not state the size of its input {1}.").format(path.name, shown(name)),
                "Give the size of its input.",
                tuple(RequestedShape(name=shown(name)) for name in names if name not in params.shapes),
                by_command=f"--shape {shown(name)}=1x3x224x224",
            )
    return tuple(
        TensorSpec(name=name, shape=("batch", *shape[1:]), dtype="float32")
        for name, shape in zip(names, shapes, strict=True)
    )


def _forward_names(module: Any) -> list[str]:
    with contextlib.suppress(RuntimeError, AttributeError):
        return [argument.name for argument in module.forward.schema.arguments[1:]]
    return []


def _convert(
    path: Path, module: Any, inputs: tuple[TensorSpec, ...], target: Path, ctx: JobContext
) -> tuple[TensorSpec, ...]:
    """Export with the TorchScript exporter; axis 0 stays free."""
    import torch

    sizes = [[2 if axis == 0 else int(size or 1) for axis, size in enumerate(s.shape)] for s in inputs]
    examples = tuple(torch.rand(shape, generator=torch.Generator().manual_seed(0)) for shape in sizes)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            with trying(ctx, path.stat().st_size):
                answer = module(*examples)
            tensors = answer if isinstance(answer, tuple | list) else (answer,)
            if not tensors or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
                raise refuse(
                    "unsupported_output",
                    "The model does not answer with plain numbers",
                    _("{0} returns something other than arrays of numbers.").format(path.name),
                    "Wrap it so that it returns one tensor, or a tuple of tensors, and save it again.",
                )
            names = [_OUTPUT if not n else f"{_OUTPUT}{n}" for n in range(len(tensors))]
            free = {name: {0: "batch"} for name in (*(s.name for s in inputs), *names)}
            with converting(ctx, path.stat().st_size):
                torch.onnx.export(
                    module, examples, str(target / "model.onnx"), dynamo=False, opset_version=17,
                    input_names=[s.name for s in inputs], output_names=names, dynamic_axes=free,
                )  # fmt: skip
    except InputRefused:
        raise
    except Exception as error:  # the exporter raises RuntimeError, UnsupportedOperatorError, TorchScript's own …
        if is_out_of_memory(error):
            raise run_error(path, error) from error
        hint = _("Check the size of its input, or export it to ONNX with the code that it was trained with.")
        raise cannot_convert(path, "PyTorch", first_line(error, -1), hint, "--shape 1x3x224x224") from error
    return tuple(
        TensorSpec(name=name, shape=("batch", *tensor.shape[1:]), dtype=str(tensor.dtype).removeprefix("torch."))
        for name, tensor in zip(names, tensors, strict=True)
    )
