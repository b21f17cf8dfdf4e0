"""Read one YAML file into checked values and report the line of a mistake."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from workers.contracts.errors import InputRefused

MAX_BYTES = 64 * 1024
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader if PyYAML has it: it is ten times as fast, and the window is open while presets are read."""

T = TypeVar("T")


class PresetRefused(InputRefused):
    """A preset or recipe file that cannot be used; `line` counts from 1, None means the whole file."""

    def __init__(self, path: Path, line: int | None, what: str, hint: str) -> None:
        """Create the error; `what` names the mistake and `hint` the remedy."""
        where = f"{path}, line {line}" if line is not None else str(path)
        super().__init__("preset_refused", "This preset cannot be used", f"{where}: {what}", hint)
        self.path, self.line = path, line


CORRECT_IT = "Correct that line and try again; the presets that come with Fettle show the form."


def read_yaml(path: Path) -> tuple[Any, yaml.Node]:
    """Return plain values (dict, list, str, number, None) and the YAML nodes that hold their lines.

    Raises:
        PresetRefused: if the file is missing, longer than 64 kB, not UTF-8, not YAML or empty, or if it uses
            references, tags or one key twice.
    """
    text = _read_text(path)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise PresetRefused(path, None, "the file is empty.", "Choose another file.")
        _refuse_unusual(path, text, node)
        return loader.construct_document(node), node
    except yaml.YAMLError as error:
        raise PresetRefused(path, *_yaml_mistake(error), CORRECT_IT) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise PresetRefused(path, None, f"it cannot be read ({error}).", CORRECT_IT) from error


def check(kind: type[T] | TypeAdapter[T], path: Path, values: object, node: yaml.Node) -> T:
    """Return `values` validated as `kind`, which is a model class or a type adapter.

    Raises:
        PresetRefused: with the line of the first mistake.
    """
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = [part for part in first["loc"] if not _is_model_name(part)]
        name = ".".join(str(part) for part in place)
        what = f"“{name}”: {_plain(first['type'], first['msg'])}" if name else _plain(first["type"], first["msg"])
        raise PresetRefused(path, line_of(node, place), f"{what}.", CORRECT_IT) from error


def line_of(node: yaml.Node, place: list[str | int]) -> int:
    """Return the line (from 1) of the deepest part of `place` that exists in the file."""
    line = node.start_mark.line + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(part)]
            if not pairs:
                return line
            key, node = pairs[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _yaml_mistake(error: yaml.YAMLError) -> tuple[int | None, str]:
    """Return the line and text of a YAML error; an unclosed part counts at the line where it begins."""
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    if problem and "end of stream" in problem:
        marks.reverse()
    mark = next((mark for mark in marks if mark is not None), None)
    words = " ".join(part for part in (context, problem) if part) or "this is not YAML"
    return (mark.line + 1 if mark is not None else None), f"{words}."


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PresetRefused(path, None, f"it cannot be opened ({reason}).", "Check its name and rights.") from error
    if len(data) > MAX_BYTES:
        raise PresetRefused(path, None, "it is longer than 64 kB.", "A preset is short; choose another file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PresetRefused(path, line, "this is no text in UTF-8.", "Save the file as UTF-8 text.") from error


def _refuse_unusual(path: Path, text: str, root: yaml.Node) -> None:
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else None
            raise PresetRefused(path, line, "references (*name) are not allowed.", "Write the part out.")
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            seen: set[Hashable] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                    what = f"“{key.value}” is there twice" if isinstance(key, yaml.ScalarNode) else "a key is no word"
                    raise PresetRefused(path, key.start_mark.line + 1, f"{what}.", CORRECT_IT)
                seen.add(key.value)
                waiting.append(value)


def _is_model_name(part: str | int) -> bool:
    """Return whether a part of the place is a type name that pydantic adds for a union.

    Such a name begins with a capital letter or contains a bracket.
    """
    return isinstance(part, str) and (part[:1].isupper() or "[" in part)


def _plain(kind: str, message: str) -> str:
    if kind == "missing":
        return "this part is missing"
    if kind == "extra_forbidden":
        return "this name is not known here"
    return message.removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
