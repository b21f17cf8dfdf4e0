"""PyTorch's zipped files: payloads that scanners overlook, and tensors that reach behind their bytes."""

import collections
import io
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
import torch
from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.pickles import evil

CENTRAL = b"PK\x01\x02"
Change = Callable[[bytearray], bytearray]


def packed(
    described: bytes,
    extra: Sequence[tuple[str, bytes]] = (),
    *,
    extra_first: bool = False,
    change: Change | None = None,
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zipped checkpoint whose data.pkl is `described`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        if extra_first:
            for name, content in extra:
                archive.writestr(name, content)
        archive.writestr("archive/data.pkl", described)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
        if not extra_first:
            for name, content in extra:
                archive.writestr(name, content)
    whole = bytearray(data.getvalue())
    return bytes(change(whole) if change else whole)


def repacked(data: bytes, edit: Callable[[str, bytes], bytes | None]) -> bytes:
    """The same archive with each member changed, or left out where `edit` gives None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = edit(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def wrong_crc(data: bytearray) -> bytearray:
    at = data.find(CENTRAL)
    data[at + 16 : at + 20] = b"\xde\xad\xbe\xef"
    data[14:18] = b"\xde\xad\xbe\xef"
    return data


def flagged(bit: int) -> Change:
    def change(data: bytearray) -> bytearray:
        data[data.find(CENTRAL) + 8] |= bit
        data[6] |= bit
        return data

    return change


def _renamed(data: bytearray) -> bytearray:
    at = data.find(b"archive/data.pkl")
    data[at : at + 16] = b"archive/datA.pkl"
    return data


def write(corpus: Corpus) -> None:
    _payloads(corpus)
    _hidden(corpus)
    _doubled(corpus)
    _tensors(corpus)
    _sound(corpus)


def _payloads(corpus: Corpus) -> None:
    prefix: Change = lambda data: bytearray(b"\x89PNG\r\n\x1a\n" * 8) + data  # noqa: E731
    span: Change = lambda data: bytearray(b"PK\x07\x08") + data  # noqa: E731
    flags = "CVE-2025-1945"
    for case, kind, suffix, change, ref in (
        ("tz_evil_plain", "torch zip, os.system in data.pkl", "pt", None, ""),
        ("tz_evil_bin", "pytorch_model.bin, os.system", "bin", None, ""),
        ("tz_evil_bad_crc", "torch zip with wrong CRC", "pt", wrong_crc, "CVE-2025-10156"),
        ("tz_evil_flag_encrypted", "flag bit 0x1 (encrypted) set", "pt", flagged(1), flags),
        ("tz_evil_flag_0x20", "flag bit 0x20 (patched) set", "pt", flagged(0x20), flags),
        ("tz_evil_flag_0x40", "flag bit 0x40 (strong enc.) set", "pt", flagged(0x40), flags),
        ("tz_evil_name_mismatch", "local header name differs from central directory", "pt", _renamed, "CVE-2025-1944"),
        ("tz_evil_prefix", "junk before the zip", "pt", prefix, ""),
        ("tz_evil_span_marker", "PK\\x07\\x08 spanned marker before the zip", "pt", span, "google/saferpickle#46"),
    ):
        data = packed(evil(corpus, case), change=change)
        corpus.put(f"{case}.{suffix}", data, kind, "torch-zip", REFUSE, ref=ref)
    case = "tz_evil_deflated"
    data = packed(evil(corpus, case), method=zipfile.ZIP_DEFLATED)
    corpus.put(f"{case}.pt", data, "compressed data.pkl", "torch-zip", REFUSE)


def _hidden(corpus: Corpus) -> None:
    case, kind = "tz_evil_bad_entry_first", "corrupt entry before data.pkl makes scanners stop"
    odd = [("archive/aaa.pkl", b"\x80\x02K\x01.")]
    data = packed(evil(corpus, case), odd, extra_first=True, change=wrong_crc)
    corpus.put(f"{case}.pt", data, kind, "torch-zip", REFUSE, ref="protectai/modelscan#354 (open)")
    never = "never loaded by torch; refuse or open, never execute"
    for case, member, kind, ref, note in (
        ("tz_evil_second_pickle", "extra.pkl", "clean data.pkl + evil extra.pkl", "", ""),
        ("tz_evil_odd_member_ext", "config.p", "evil pickle under config.p", "CVE-2025-1889", ""),
        ("tz_evil_constants", "constants.pkl", "TorchScript-like constants.pkl evil", "", ""),
        ("tz_evil_data_file", "data/0", "pickle hidden in a tensor record data/0", "", never),
    ):
        data = packed(pickle.dumps({}, 2), [(f"archive/{member}", evil(corpus, case))])
        corpus.put(f"{case}.pt", data, kind, "torch-zip", REFUSE, ref=ref, note=note)


def _doubled(corpus: Corpus) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the doubled name
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data.pkl", evil(corpus, "tz_evil_dup_member"))
        archive.writestr("archive/version", "3\n")
    kind = "two data.pkl members, second evil"
    corpus.put("tz_evil_dup_member.pt", data.getvalue(), kind, "torch-zip", REFUSE)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in (
            ("sys_info", pickle.dumps({"protocol_version": 1000, "little_endian": True})),
            ("pickle", evil(corpus, "torch_tar_evil")),
            ("storages", pickle.dumps(0)),
            ("tensors", pickle.dumps(0)),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    kind, ref = "legacy .tar torch file with pickle", "CVE-2025-32434 (tar path)"
    corpus.put("torch_tar_evil.pt", data.getvalue(), kind, "pickle", REFUSE, ref=ref)


def _saved(value: object) -> bytes:
    data = io.BytesIO()
    torch.save(value, data)
    return data.getvalue()


def _tensors(corpus: Corpus) -> None:
    """What `weights_only` alone does not see."""
    sound = _saved({"w": torch.arange(8.0)})

    def described(old: bytes, new: bytes) -> bytes:
        return repacked(sound, lambda name, data: data.replace(old, new) if name.endswith("data.pkl") else data)

    def put(name: str, data: bytes, kind: str, ref: str = "") -> None:
        corpus.put(name, data, kind, "torch-bad", REFUSE, ref=ref)

    ref = "GHSA-63cw-57p8-fm3p (torch<=2.9.1)"
    kind = "storage claims more elements than the record has"
    put("torch_storage_size_lie.pt", described(b"K\x08t", b"J\xff\xff\xff\x7ft"), kind, ref)
    short = repacked(sound, lambda name, data: data[:4] if name.endswith("data/0") else data)
    put("torch_storage_record_short.pt", short, "tensor record truncated")
    gone = repacked(sound, lambda name, data: None if name.endswith("data/0") else data)
    put("torch_storage_missing.pt", gone, "tensor record missing")
    far = described(b"K\x00K\x08\x85", b"J\x00\x00\x00\x10K\x08\x85")
    put("torch_stride_oob.pt", far, "storage_offset beyond storage")
    odd = packed(b"\x80\x02ctorch\nFloatStorage\nK\x00K\x01s.")
    put("torch_setitem_non_dict.pt", odd, "SETITEM on a non-dict", ref)
    put("torch_truncated.pt", sound[: len(sound) // 2], "truncated torch zip")
    put("torch_empty.pt", b"", "empty .pt")
    put("torch_random.pth", np.random.RandomState(1).bytes(4096), "random bytes .pth")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        size = 256 << 20
        archive.writestr("archive/data.pkl", b"\x80\x02X" + struct.pack("<I", size) + b"\0" * size + b".")
        archive.writestr("archive/version", "3\n")
    put("torch_zip_bomb_256MiB.pt", bomb.getvalue(), "data.pkl inflates 1000:1")


def _sound(corpus: Corpus) -> None:
    nan = _saved({"w": torch.full((4,), float("nan"))})
    corpus.put("torch_nan_weights.pt", nan, "state dict with NaN", "torch-ok", OPEN)
    table = _saved(collections.OrderedDict(w=torch.ones(3, dtype=torch.bfloat16)))
    corpus.put("torch_statedict_ok.pt", table, "bf16 state dict (control)", "torch-ok", OPEN)
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 2)), corpus.place("torch_full_module.pt"))
    note = "needs weights_only=False: refuse and say 'save the state dict, TorchScript or ONNX instead'"
    kind = "whole nn.Module pickled (common, benign)"
    corpus.add("torch_full_module.pt", kind, "torch-ok", REFUSE, note=note)
