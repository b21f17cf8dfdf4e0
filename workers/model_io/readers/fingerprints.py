"""Compute fingerprints of torchvision's and timm's architectures, to recognize weights without code.

``python -m workers.model_io.readers.fingerprints`` builds every model once on the meta device (no memory, some minutes)
and writes `data/architectures.json`. That file maps the digest of all tensor names to architectures. Each entry has the
digest of the names and shapes of the body, and the names of the head, whose size follows the number of classes.
"""

import hashlib
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

DATA_FILE = "data/architectures.json"
# stored by some versions of the libraries only, without learned numbers
PASSED_OVER = ("num_batches_tracked", "relative_position_index", "attn_mask", "relative_coords_table")

Shapes = Mapping[str, tuple[int, ...]]


class Entry(NamedTuple):
    """One architecture: `name` is "library/model", `head` names tensors whose first size is the number of classes."""

    name: str
    body: str
    head: tuple[str, ...]


def distinctive(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Return the tensors without those that identify nothing."""
    return {name: shape for name, shape in shapes.items() if not name.endswith(PASSED_OVER)}


def names_digest(shapes: Shapes) -> str:
    """Return the digest of all tensor names."""
    return _digest("\n".join(sorted(shapes)))


def body_digest(shapes: Shapes, head: tuple[str, ...]) -> str:
    """Return the digest of names and shapes; for the head, without the first size."""
    return _digest("\n".join(f"{n}{s[1:] if n in head else s}" for n, s in sorted(shapes.items())))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entry_of(name: str, model: Any, classes: int) -> tuple[str, Entry]:
    """Return the fingerprint of one built model that has `classes` classes."""
    shapes = distinctive({key: tuple(value.shape) for key, value in model.state_dict().items()})
    head = tuple(key for key, shape in shapes.items() if shape and shape[0] == classes)
    return names_digest(shapes), Entry(name, body_digest(shapes, head), head)


def all_names() -> Iterator[str]:
    """Yield every architecture of the installed libraries, torchvision's first."""
    import timm
    import torchvision

    yield from (f"torchvision/{name}" for name in torchvision.models.list_models(module=torchvision.models))
    yield from (f"timm/{name}" for name in timm.list_models())


def build(name: str, classes: int | None = None, device: str = "meta") -> Any:
    """Build one architecture without weights; `classes` None means its default number."""
    import torch

    library, model = name.split("/", 1)
    more = {} if classes is None else {"num_classes": classes}
    with torch.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library == "timm":
            import timm

            return timm.create_model(model, pretrained=False, **more).eval()
        import torchvision

        if model in ("googlenet", "inception_v3"):
            more["init_weights"] = False
        return torchvision.models.get_model(model, weights=None, **more).eval()


def read_table() -> dict[str, list[Entry]]:
    """Read the table that comes with the program: the digest of names → the architectures with those names."""
    rows = json.loads(files("workers.model_io").joinpath(DATA_FILE).read_text(encoding="utf-8"))["architectures"]
    return {key: [Entry(name, body, tuple(head)) for name, body, head in entries] for key, entries in rows.items()}


def fingerprint(name: str) -> tuple[str, Entry]:
    """Build one architecture on the meta device and return its fingerprint."""
    try:
        model = build(name)
    except NotImplementedError:  # some constructors compute with tensors, which the meta device cannot
        model = build(name, device="cpu")
    return entry_of(name, model, int(getattr(model, "num_classes", 0) or 1000))


def _write(path: Path) -> None:
    import timm
    import torchvision

    table: dict[str, list[Entry]] = {}
    for name in all_names():
        try:
            key, entry = fingerprint(name)
        except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError) as error:
            sys.stderr.write(f"{name} left out: {str(error)[:100]}\n")
            continue
        table.setdefault(key, []).append(entry)
        sys.stderr.write(f"{name}\n")
    data = {"torchvision": torchvision.__version__, "timm": timm.__version__, "architectures": table}
    path.write_text(json.dumps(data, separators=(",", ":")).replace('"],["', '"],\n["') + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write(Path(__file__).parents[1] / "data" / "architectures.json")
