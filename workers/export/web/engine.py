"""Provide a page's libraries: ONNX Runtime Web and the tokenizers' library, as the installer stored them.

An export has no network. The installer downloads both, in the versions and with the hashes of `installer/web.json`,
into a folder `fettle_web` on the import path. Each file is checked again when it is used.
"""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

from workers.contracts.errors import BackendMissing
from workers.contracts.optional_sets import install_command, where_to_install
from workers.contracts.translation import _, joined
from workers.export.bom import ShippedLibrary

PACKAGE = "fettle_web"
PINS = "pins.json"
LICENSES = ("LICENSE", "ThirdPartyNotices.txt")
"""License files of ONNX Runtime's Python package, which its web package lacks."""

EXPORTS = re.compile(r"export\{([^}]*)\};?\s*(?://#[^\n]*)?\s*$")


def libraries(*, tokenizer: bool) -> tuple[ShippedLibrary, ...]:
    """Return the libraries of a page of this kind; raise `BackendMissing`."""
    rows = json.loads((_folder() / PINS).read_text(encoding="utf-8"))["packages"]
    found = tuple(
        ShippedLibrary(row["name"], row["version"], row["license"], row["sha512"], row["files"]) for row in rows
    )
    return found if tokenizer else found[:1]


def wasm() -> bytes:
    """Return the engine itself; raise `BackendMissing`."""
    return _checked("ort-wasm-simd-threaded.wasm")


def engine_script() -> str:
    """Return the engine's own module, whose names a page finds as `ort`; raise `BackendMissing`."""
    return _as_script(_checked("ort.wasm.bundle.min.mjs").decode(), {"InferenceSession", "Tensor", "env"}, "ort")


def tokenizer_script() -> str:
    """Return the tokenizers' library, of which a page needs one name; raise `BackendMissing`."""
    return _as_script(_checked("tokenizers.min.mjs").decode(), {"Tokenizer"}, "")


def licenses(*, tokenizer: bool) -> dict[str, str]:
    """Return the license texts of a page's libraries by file name."""
    found = {"tokenizers-LICENSE": _checked("LICENSE").decode()} if tokenizer else {}
    spec = importlib.util.find_spec("onnxruntime")
    if spec is not None and spec.origin is not None:
        for path in (Path(spec.origin).with_name(name) for name in LICENSES):
            if path.is_file():
                found[f"onnxruntime-{path.name}"] = path.read_text(encoding="utf-8", errors="replace")
    return found


def _folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise _missing(_("Its files are not installed."))
    return Path(spec.origin).parent


def _checked(name: str) -> bytes:
    folder = _folder()
    try:
        pins = json.loads((folder / PINS).read_text(encoding="utf-8"))
        wanted = {Path(path).name: digest for row in pins["packages"] for path, digest in row["files"].items()}
        content = (folder / name).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        raise _missing(_("Some of its files are missing.")) from error
    if hashlib.sha256(content).hexdigest() != wanted.get(name):
        raise _missing(_("{0} is not what was downloaded.").format(name))
    return content


def _missing(reason: str) -> BackendMissing:
    return BackendMissing(
        "web_engine_missing",
        "Web pages cannot be written yet",
        joined([_("A page brings its own engine along, ONNX Runtime Web."), reason]),
        where_to_install("web"),
        by_command=f"{install_command('web')}.",
    )


def _as_script(script: str, wanted: set[str], name: str) -> str:
    """Convert a module to a script whose exports become global names (below `name`).

    A page opened from a folder may contain modules, but cannot import any.

    Raises:
        ValueError: The module exports other names.
    """
    last = EXPORTS.search(script)
    pairs = [entry.strip().split(" as ") for entry in last[1].split(",")] if last else []
    inner = {pair[-1]: pair[0] for pair in pairs if pair[-1] in wanted}
    if last is None or set(inner) != wanted or "</script" in script:
        raise ValueError(f"the library does not export {', '.join(sorted(wanted - set(inner)))}")
    body = ",".join(f"{outer}:{here}" for outer, here in sorted(inner.items()))
    given = f"globalThis.{name}={{{body}}}" if name else f"Object.assign(globalThis,{{{body}}})"
    return f"{script[: last.start()]}{given};"
