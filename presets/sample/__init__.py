"""Find the built-in sample: a clothes classifier and pictures outside its training set (source: ORIGIN.md)."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class SamplePaths:
    """Paths of the sample: `model` is an ONNX file with its preprocessing, `data` an NPZ.

    The NPZ holds x (uint8, n×28×28), y and classes.
    """

    model: Path
    data: Path
    title: str


def sample_paths() -> SamplePaths:
    """Return the paths of the sample in this installation.

    Raises:
        FileNotFoundError: if one of its files is missing.
    """
    paths = SamplePaths(FOLDER / "clothes.onnx", FOLDER / "pictures.npz", "Clothes classifier")
    for path in (paths.model, paths.data):
        if not path.is_file():
            raise FileNotFoundError(f"The sample is incomplete: {path} is missing. Install Fettle again.")
    return paths
