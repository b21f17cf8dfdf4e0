"""Read the declarations of runtimes (`RUNTIME = Runtime(…)` in `workers/infer/`) without importing them.

The application must not import model code, but it has to know which jobs use a GPU. Plain values in the source are
read; a test compares them with the imported modules.
"""

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parents[1] / "infer"
NAME, KIND = "RUNTIME", "Runtime"


@dataclass(frozen=True)
class Declared:
    """Declaration of one runtime.

    Attributes:
        device: "cpu" or "cuda:0".
        torch_program: It runs the torch program beside a model.
    """

    id: str
    device: str
    torch_program: bool = False

    @property
    def on_gpu(self) -> bool:
        """Return whether the runtime uses an NVIDIA GPU."""
        return self.device.startswith("cuda")


def needs_gpu(runtime_id: str) -> bool:
    """Return whether this runtime uses a GPU; False for a runtime that no longer exists."""
    found = declared().get(runtime_id)
    return found is not None and found.on_gpu


def needs_torch(runtime_id: str) -> bool:
    """Return whether this runtime runs torch programs."""
    found = declared().get(runtime_id)
    return found is not None and found.torch_program


@functools.cache
def declared(folder: Path = FOLDER) -> Mapping[str, Declared]:
    """Return the declarations by id; files that cannot be read or use other than plain values are left out."""
    found = (_read(path) for path in sorted(folder.glob("*.py")))
    return MappingProxyType({one.id: one for one in found if one is not None})


def _read(path: Path) -> Declared | None:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text) if f"\n{NAME} = " in text else None
    except (OSError, ValueError, SyntaxError):
        return None
    assigned = (node for node in (tree.body if tree else ()) if isinstance(node, ast.Assign))
    call = next((one.value for one in assigned if [ast.unparse(name) for name in one.targets] == [NAME]), None)
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != KIND:
        return None
    plain = {one.arg: one.value.value for one in call.keywords if isinstance(one.value, ast.Constant)}
    if not isinstance(plain.get("id"), str) or not isinstance(plain.get("device"), str):
        return None
    return Declared(str(plain["id"]), str(plain["device"]), plain.get("torch_program") is True)
