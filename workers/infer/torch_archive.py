"""Check a torch.export archive (.pt2) as text before torch opens it.

`torch.export.load` runs content of a file in five places. It unpickles example inputs, tensors and custom objects (with
`weights_only=False` where safe loading fails), loads compiled libraries, evaluates expressions for sizes, executes
guards, and compiles names into source code. This module compares all of these with what `torch.export.save` itself
writes and refuses anything else. Torch's own reader reads the records, so that both read the ZIP file alike.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import keyword
import os
import pickletools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .base import UnsafeProgram
from .words import Words

RECORDS = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)|\.format_version"
    r"|\.storage_alignment|extra/[\w.-]+|models/model\.json|data/sample_inputs/model\.pt"
    r"|data/weights/(weight_\d+|model_weights_config\.json|model\.pt)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json|model\.pt)"
)
TENSOR_RECORDS = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+"
)
PAYLOADS = re.compile(r"(weight|tensor)_\d+")
CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
PROGRAM = "models/model.json"
MAX_TEXT_BYTES = 256 << 20

CALLS = re.compile(
    r"torch\._utils _rebuild_(tensor_v2|parameter)|collections OrderedDict"
    r"|torch (Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool|Complex\w{5,6})Storage"
)
OPCODES = re.compile(
    r"PROTO|FRAME|STOP|MARK|POP|POP_MARK|DUP|GLOBAL|REDUCE|BINPERSID|MEMOIZE|(LONG_)?(BIN)?(PUT|GET)"
    r"|(EMPTY_)?(TUPLE|LIST|DICT)|TUPLE[123]|APPENDS?|SETITEMS?|NONE|NEWTRUE|NEWFALSE|(BIN)?INT[12]?|LONG[14]?"
    r"|(BIN)?FLOAT|(SHORT_)?(BIN)?UNICODE8?"
)

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
DOTTED = re.compile(r"[\w@-]*(\.[\w@-]+)*", re.ASCII)
WORDS = re.compile(r"[\w .,:;>+*/()\[\]=-]{0,1000}", re.ASCII)
EXPRESSION = re.compile(r"[\w '(),=+*/%<>!.&|~\[\]:-]*", re.ASCII)
FREE_TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]*")
"""Text without line ends other than the line feed, because torch.compile copies stack traces into comments by line."""

TARGETS = re.compile(
    r"torch\.ops\.(aten|prims|torchvision)\.\w+\.\w+"
    r"|torch\.ops\.higher_order\.(cond|while_loop|scan|map_impl|wrap_with_set_grad_enabled|wrap_with_autocast"
    r"|flex_attention)"
    r"|torch\._functorch\.predispatch\._(add_batch_dim|remove_batch_dim|vmap_increment_nesting|vmap_decrement_nesting)"
    r"|torch\._functorch\.predispatch\.(lazy_load_decompositions)"
    r"|torch\._C\._set_grad_enabled|torch\.amp\.autocast_mode\._(enter|exit)_autocast"
    r"|torch\.sym_(not|int|float|ite|max|min|sqrt|sum)|math\.(trunc|floor|ceil|sqrt)"
    r"|_operator\.(eq|ne|le|ge|lt|gt|neg|pos|mul|add|sub|floordiv|mod|pow|truediv|and_|or_|lshift|rshift|getitem)",
    re.ASCII,
)
TOUCHES_FILES = re.compile(r"\.(from_file|save|load|_load\w*|read_file|write_file)\b")
SIZE_FUNCTIONS = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Max|Min|Mod|Abs|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|And|Or|Not"
    r"|(Strict)?(Less|Greater)Than|floor|ceiling|FloorDiv|ModularIndexing|Where|PythonMod|(Clean|Ceil|FloatTrue|IntTrue"
    r"|True)Div|(Ceil|Floor|Trunc|Round)ToInt|TruncToFloat|RoundDecimal|ToFloat|[LR]Shift|PowByNatural|FloatPow"
    r"|Identity|IsNonOverlappingAndDenseIndicator"
)
GUARD_METHODS = re.compile(r"size|stride|storage_offset|floor|ceil|trunc|sqrt")
TREE_TYPES = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
ARITHMETIC = (
    ast.Expression, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop,
    ast.cmpop, ast.Tuple, ast.keyword,
)  # fmt: skip


class _Odd(ValueError):
    """A part of the file that torch.export does not write; the text continues a sentence behind the file's name."""

    def __init__(self, template: str, *facts: object) -> None:
        """Create the error from an English template with fields such as `{0}`, and the values of the fields."""
        self.words = Words(template, *facts)
        super().__init__(self.words)


def check_archive(torch: Any, path: Path) -> None:
    """Check that the file holds tensors and a graph of known operators, and nothing else.

    Raises:
        UnsafeProgram: it holds anything else.
    """
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = list(reader.get_all_records())
        for name in names:
            if not RECORDS.fullmatch(name):
                raise _Odd("it holds {0!r}, which does not belong into a torch program", name[:80])
            if name.endswith(".pt"):
                _check_tensors(torch, _text(reader, name), name)
        for name in CONFIGS:
            if name in names:
                _check_payloads(json.loads(_text(reader, name)))
        _walk(json.loads(_text(reader, PROGRAM)), "")
    except _Odd as odd:
        raise UnsafeProgram(path.name, odd) from odd
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError, MemoryError) as error:
        raise UnsafeProgram(path.name, Words("it is damaged or no program of torch.export")) from error


@contextlib.contextmanager
def tensors_only() -> Iterator[None]:
    """Force every `torch.load` in this context to unpickle tensors only, even where torch.export falls back."""
    names = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ[names[0]] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _text(reader: Any, name: str) -> bytes:
    if reader.get_record_size(name) > MAX_TEXT_BYTES:
        raise _Odd("its {0} is far too large", name)
    return bytes(reader.get_record(name))


def _check_tensors(torch: Any, data: bytes, name: str) -> None:
    """Check a file of torch.save inside the archive: its pickle may only rebuild tensors."""
    if not data:
        return
    reader = torch._C.PyTorchFileReader(io.BytesIO(data))
    others = [record for record in reader.get_all_records() if not TENSOR_RECORDS.fullmatch(record)]
    if others:
        raise _Odd("its {0} holds {1!r}, which does not belong into a file of tensors", name, others[0][:80])
    for opcode, argument, _place in pickletools.genops(_text(reader, "data.pkl")):
        if opcode.name == "GLOBAL" and not CALLS.fullmatch(str(argument)):
            raise _Odd("a pickle in it would call {0!r}", str(argument)[:80])
        if not OPCODES.fullmatch(opcode.name):
            raise _Odd("a pickle in it uses {0}, which tensors do not need", opcode.name)


def _check_payloads(config: Any) -> None:
    """Check that tensors are stored as plain bytes: with `use_pickle` torch would unpickle anything."""
    for name, payload in config["config"].items():
        if payload.get("use_pickle") is not False or not PAYLOADS.fullmatch(str(payload["path_name"])):
            raise _Odd("its tensor {0!r} is a pickle", str(name)[:80])
    _walk(config, "")


def _is_name(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and not keyword.iskeyword(text)


def _is_target(text: str) -> bool:
    return bool(TARGETS.fullmatch(text)) and not TOUCHES_FILES.search(text)


def _is_size(text: str) -> bool:
    """Return whether a size expression, which sympy evaluates as Python, only calculates."""
    return _calculates(text, None)


def _is_guard(text: str) -> bool:
    """Return whether a condition on sizes, which torch executes as Python, only calculates."""
    return _calculates(text, GUARD_METHODS)


def _calculates(text: str, methods: re.Pattern[str] | None) -> bool:
    if not EXPRESSION.fullmatch(text):
        return False
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return all(_is_arithmetic(node, methods) for node in ast.walk(tree))


def _is_arithmetic(node: ast.AST, methods: re.Pattern[str] | None) -> bool:
    """Return whether a syntax node is arithmetic.

    Calls must be of known functions or, with `methods`, of tensor methods. Subscripts need `methods` as well.
    """
    if isinstance(node, ast.Call):
        by_name = isinstance(node.func, ast.Name) and SIZE_FUNCTIONS.fullmatch(node.func.id)
        return bool(by_name) or isinstance(node.func, ast.Attribute)  # `methods` checks the attribute itself
    if isinstance(node, ast.Attribute):
        return methods is not None and bool(methods.fullmatch(node.attr))
    if isinstance(node, ast.Subscript):
        return methods is not None
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) or (
            isinstance(node.value, str) and DOTTED.fullmatch(node.value) is not None
        )
    if isinstance(node, ast.Name):
        return not node.id.startswith("_")
    return isinstance(node, ARITHMETIC)


def _is_tree(text: str) -> bool:
    """Return whether inputs or outputs are nested only in tuples, lists and dicts; other types may import modules."""
    try:
        _protocol, tree = json.loads(text)
        return _is_branch(tree)
    except (ValueError, TypeError, KeyError):
        return False


def _is_branch(tree: Any) -> bool:
    if tree["type"] not in TREE_TYPES:
        return False
    keys = json.loads(tree["context"]) if isinstance(tree["context"], str) else tree["context"]
    plain = keys is None or (isinstance(keys, list) and all(isinstance(k, str) and _is_name(k) for k in keys))
    return plain and all(_is_branch(child) for child in tree["children_spec"])


RULES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(
        ("name", "as_name", "forward_arg_names", "user_input_name"), lambda text: not text or _is_name(text)
    ),
    **dict.fromkeys(("parameter_name", "buffer_name", "tensor_constant_name", "fqn", "path_name"), DOTTED.fullmatch),
    **dict.fromkeys(("as_string", "as_strings", "type", "verifiers", "torch_version"), WORDS.fullmatch),
    **dict.fromkeys(("as_float", "as_floats", "min_val", "max_val", "real", "imag"), WORDS.fullmatch),
    **dict.fromkeys(("target", "as_operator"), _is_target),
    **dict.fromkeys(("in_spec", "out_spec"), _is_tree),
    "expr_str": _is_size,
    "guards_code": _is_guard,
}
"""Tests of the texts that each field may hold; floats that JSON lacks (inf) are texts, too."""

MAPS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"), _is_name),
    **dict.fromkeys(("range_constraints", "opset_version", "as_string_to_argument"), _is_name),
    **dict.fromkeys(("config", "treespec_namedtuple_fields"), DOTTED.fullmatch),
}
"""Fields whose keys are names from the file: all of torch's schema except metadata and objects of custom classes."""

CUSTOM = ("as_custom_obj", "custom_obj", "custom_obj_values")


def _walk(value: Any, field: str) -> None:
    """Check each text of a JSON document against the rule of its field."""
    if isinstance(value, str):
        rule = RULES.get(field)
        if rule is None or not rule(value):
            raise _Odd("its {0} is {1!r}, which torch.export does not write", field or "content", value[:80])
    elif isinstance(value, list):
        for one in value:
            _walk(one, field)
    elif isinstance(value, dict):
        keys = MAPS.get(field)
        for name, inner in value.items():
            if keys is not None and not keys(name):
                raise _Odd("its {0} names {1!r}, which torch.export does not write", field, name[:80])
            if name in CUSTOM and inner and keys is None:
                raise _Odd("it holds an object of an unknown class")
            if name == "metadata" and keys is None:
                _check_metadata(inner)
            else:
                _walk(inner, "" if keys is not None else name)


def _check_metadata(metadata: Any) -> None:
    """Check the origin notes of a node, which torch keeps as text and never runs."""
    for name, text in metadata.items():
        if not isinstance(text, str) or not FREE_TEXT.fullmatch(text):
            raise _Odd("its metadata {0!r} is no plain text", name[:80])
