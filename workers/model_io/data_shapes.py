"""Read the sizes of one item in the user's data from the headers of an NPZ file, without loading arrays."""

from collections.abc import Sequence
from pathlib import Path

from workers.contracts.jobs import OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import TensorSpec
from workers.pipeline.array_files import ArrayFileError, headers_of
from workers.pipeline.arrays import NUMBERS

MAX_ARRAYS = 100


def item_shapes(inputs: Sequence[TensorSpec], params: OpenParams) -> dict[str, tuple[int, ...]]:
    """Return {array name: sizes of one item in the user's data} for inputs with open sizes or a fixed batch.

    Return the sizes in `params` without data, and {} for data of other formats and for unreadable files; reading the
    data reports what is wrong with them.
    """
    if params.data_path is None:
        return params.item_shapes
    is_open = any(not spec.shape or not all(isinstance(size, int) for size in spec.shape[1:]) for spec in inputs)
    batches = any(isinstance(spec.shape[0], int) and spec.shape[0] > 1 for spec in inputs if spec.shape)
    file = _npz(from_text(params.data_path)) if is_open or batches else None
    if file is None:
        return {}
    try:
        headers = list(headers_of(file).items())[:MAX_ARRAYS]
    except ArrayFileError:
        return {}
    wanted = {"x", *(spec.name for spec in inputs)}
    return {n: one.shape[1:] for n, one in headers if one.shape and one.dtype.kind in NUMBERS and n in wanted}


def _npz(path: Path) -> Path | None:
    """Return the file itself, or the only one of a folder."""
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    files = sorted(path.glob("*.npz")) if path.is_dir() else []
    return files[0] if len(files) == 1 else None
