"""The built-in sample: a clothes classifier and pictures that it never saw; ORIGIN.md tells where from."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class SamplePaths:
    """`model` is an ONNX file that names its preprocessing; `data` an NPZ: x (uint8 n×28×28), y, classes."""

    model: Path
    data: Path
    title: str
    license: str
    origin: Path


def sample_paths() -> SamplePaths:
    """Where the sample lies in this installation. Raises FileNotFoundError when a file of it is missing."""
    paths = SamplePaths(
        model=FOLDER / "clothes.onnx",
        data=FOLDER / "pictures.npz",
        title="Clothes classifier",
        license="MIT",
        origin=FOLDER / "ORIGIN.md",
    )
    for path in (paths.model, paths.data):
        if not path.is_file():
            raise FileNotFoundError(f"The sample is incomplete: {path} is missing. Install Fettle again.")
    return paths
