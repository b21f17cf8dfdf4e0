"""Sound files, and what becomes of them when bits flip, parts are lost, doubled or swapped, and lengths lie.

A mutant is identified by its number alone: the same number gives the same file.
"""

import hashlib
import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Mutation = Callable[[bytearray, random.Random], bytearray]

NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63, 2**64 - 1)
HEADERS = {b"PK\x03\x04": 30, b"PK\x01\x02": 46, b"PK\x05\x06": 22}
"""How long each of ZIP's records is, before the names."""
HEADED = (b"RIFF", b"GGUF", b"II*\0", b"GIF8", b"\x93NUM", b"\0\0\0\x0c", b"\0\0\0 ")
"""Beginnings of formats whose first bytes contain the sizes of everything."""
SEALED = ("manifest.json", "SHA256SUMS")
"""What lists the other files of a bundle."""
WORDS = (b'"F32"', b'"EVIL"', b"-1", b"1e99", b"null", b"[]", b"{}", b"99999999999999999999", b"\\u0000", b'"', b"\xff")

VALUES = re.compile(rb'"[^"\n]{0,80}"|-?\d[\d.eE+-]*|true|false|null|[\[\]{}]')
"""What may be changed in a JSON text."""


@dataclass(frozen=True)
class Mutant:
    """`suffix` of the sound file's name; `family` is the format, `data` the bytes."""

    number: int
    family: str
    suffix: str
    data: bytes


def sound_files() -> dict[str, bytes]:
    """Small valid files of each format, by name. Needs onnx, torch, safetensors; not for the window's process."""
    import warnings

    from hostile_corpus import onnx_parts as parts
    from hostile_corpus.onnx_files import nested_if
    from hostile_corpus.safetensors_files import file_of, tensor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated and warns
        made = _torch_files()
    picture = parts.x((1, 1, 8, 8))
    kernel = parts.weight([[[[0.5, 1.0], [1.0, 0.5]]]], "w")
    kernel.data_type, kernel.raw_data = parts.FLOAT, struct.pack("<4f", 0.5, 1, 1, 0.5)
    layer = parts.node("Conv", ["x", "w"], ["c"], strides=[2, 2], pads=[0, 0, 0, 0], group=1)
    network = parts.model([layer, parts.node("Relu", ["c"])], [picture], [parts.y((1, 1, 4, 4))], [kernel])
    made["tiny.onnx"] = parts.sound()
    made["conv.onnx"] = network.SerializeToString()
    made["if.onnx"] = nested_if(3)
    numbers = {"w": tensor("F32", [2, 3], 0, 24), "b": tensor("F16", [2], 24, 28), "n": tensor("I64", [], 28, 36)}
    made["plain.safetensors"] = file_of(numbers, bytes(range(36)))
    made["named.safetensors"] = file_of({"__metadata__": {"format": "pt"}, **numbers}, bytes(36))
    return made


def _torch_files() -> dict[str, bytes]:
    import torch

    def saved(value: Any, **more: Any) -> bytes:
        data = io.BytesIO()
        torch.save(value, data, **more)
        return data.getvalue()

    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 1)).eval()
    table = layers.state_dict()
    scripted, traced = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(layers), scripted)
    torch.jit.save(torch.jit.trace(layers, torch.zeros(1, 3, 8, 8)), traced)
    return {
        "table.pt": saved(table),
        "nested.pth": saved({"epoch": 3, "state_dict": table, "names": ["a", "b"]}),
        "old.bin": saved(table, _use_new_zipfile_serialization=False),
        "scripted.ts": scripted.getvalue(),
        "traced.ts": traced.getvalue(),
    }


def family_of(name: str) -> str:
    """What the mutants of a sound file are counted as."""
    suffix = Path(name).suffix
    return {".onnx": "ONNX", ".safetensors": "safetensors", ".ts": "TorchScript"}.get(suffix, "torch")


def mutant(number: int, sound: Mapping[str, bytes], seed: int = 0) -> Mutant:
    """The file of this number: families in turn, one to four mutations."""
    rng = random.Random(f"{seed}/{number}")
    families = sorted({family_of(name) for name in sound})
    family = families[number % len(families)]
    name = rng.choice(sorted(name for name in sound if family_of(name) == family))
    others = [sound[other] for other in sorted(sound)]
    return Mutant(number, family, Path(name).suffix, changed(sound[name], rng, others))


def changed(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One to four mutations of `data`; parts may come from `others`. `rng` makes every choice."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _changed(data, rng, others)
    return data


def _changed(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    if not data:
        return rng.randbytes(8)
    if data.startswith(b"PK") and rng.random() < 0.6:
        return _changed_zip(data, rng, others)
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        return _changed_png(data, rng)
    if data[:1] in b"{[" and rng.random() < 0.7:
        return _changed_text(data, rng)
    if data[:4] in HEADED and rng.random() < 0.5:
        return _changed_number(data, rng, 128)
    if data[8:9] == b"{" and rng.random() < 0.6:
        return _changed_header(data, rng)
    if data.startswith(b"\x08") and rng.random() < 0.7:
        return _changed_model(data, rng, others)
    return _changed_bytes(data, rng, others)


def _changed_bytes(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    out, at = bytearray(data), rng.randrange(len(data))
    length = min(rng.choice((1, 2, 4, 8, 16, 64, 256)), len(data) - at)
    other = rng.choice(others)
    start = rng.randrange(len(other))
    action = rng.randrange(8)
    if action == 0:
        for _ in range(rng.randint(1, 8)):
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    elif action == 1:
        out[at : at + length] = rng.randbytes(length)
    elif action == 2:
        del out[at:]
    elif action == 3:
        del out[at : at + length]
    elif action == 4:
        out[at:at] = out[at : at + length] * rng.choice((1, 2, 50))
    elif action == 5:
        out[at : at + length] = other[start : start + length]
    elif action == 6:
        out[at:at] = other[start : start + rng.choice((8, 64, 512))]
    else:
        return _changed_number(data, rng, len(data))
    return bytes(out)


def _changed_number(data: bytes, rng: random.Random, most: int) -> bytes:
    """A number among the first `most` bytes becomes one that lies at a limit, in one of the forms that numbers are kept in."""
    out, at = bytearray(data), rng.randrange(min(most, len(data)))
    number = rng.choice(NUMBERS)
    short = number & 0xFFFFFFFF
    forms = (
        struct.pack("<Q", number),
        struct.pack("<I", short),
        struct.pack(">I", short),
        struct.pack("<H", number & 0xFFFF),
    )
    packed = rng.choice((*forms, _varint(number)))
    out[at : at + len(packed)] = packed
    return bytes(out)


def _changed_png(data: bytes, rng: random.Random) -> bytes:
    """A chunk with a number changed, doubled or left out; its checksum is put right."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return data[:8]
    chosen, action = rng.randrange(len(chunks)), rng.randrange(6)
    kind, content = chunks[chosen]
    if action == 0:
        del chunks[chosen]
    elif action == 1:
        chunks.insert(rng.randrange(len(chunks)), (kind, content))
    else:
        chunks[chosen] = (kind, _changed_number(content or b"\0", rng, 64))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:8] + b"".join(packed)


def _changed_text(data: bytes, rng: random.Random) -> bytes:
    """A value of a JSON text becomes another, or a piece is written a hundred times."""
    places = [found.span() for found in VALUES.finditer(data)]
    if not places:
        return data + rng.choice(WORDS)
    start, end = rng.choice(places)
    if data[start:end].lstrip(b"-").isdigit() and rng.random() < 0.7:
        return data[:start] + str(rng.choice((-1, *NUMBERS, 10**6, 10**9))).encode() + data[end:]
    word = rng.choice((*WORDS, b"-1", b"1e400", b"true", b"[" * 2000, b'"' + b"a" * 5000 + b'"', data[start:end] * 100))
    return data[:start] + word + data[end:]


def _resealed(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """A stranger's bundle: the sums of what was changed are right again."""
    found = dict(members)
    try:
        manifest = json.loads(found["manifest.json"])
        listed = {name for name in manifest["files"] if name in found}
        manifest["files"] = {name: hashlib.sha256(found[name]).hexdigest() for name in sorted(listed)}
        found["manifest.json"] = json.dumps(manifest).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    sums = (f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found) if name != "SHA256SUMS")
    found["SHA256SUMS"] = "".join(sums).encode()
    return list(found.items())


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _changed_zip(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A field of a record, or the content of a member with its checksum put right, so that it is read further."""
    if rng.random() < 0.5:
        places = [(at, size) for mark, size in HEADERS.items() for at in _places(data, mark)]
        if places:
            at, size = rng.choice(places)
            out, field = bytearray(data), rng.randrange(4, size - 1)
            out[at + field : at + field + 2] = struct.pack("<H", rng.choice(NUMBERS) & 0xFFFF)
            return bytes(out)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # it is broken already
        return _changed_bytes(data, rng, others)
    return _packed(members, rng, others)


def _places(data: bytes, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


def _packed(members: list[tuple[str, bytes]], rng: random.Random, others: list[bytes]) -> bytes:
    """One member changed, left out, doubled, or renamed."""
    if not members:
        return b"PK\x05\x06" + bytes(18)
    read = [number for number, (name, _) in enumerate(members) if not name.endswith((".py", ".html", ".md"))]
    chosen, action = rng.choice(read or range(len(members))), rng.randrange(8)
    name, content = members[chosen]
    if action == 0:
        del members[chosen]
    elif action == 1:
        members.append((name.upper() if rng.random() < 0.5 else f"{name}.pkl", content))
    elif action == 2:
        members[chosen] = (rng.choice(("archive/data.pkl", "a/code/x.py", f"../{name}", name[1:] or "x")), content)
    else:
        members[chosen] = (name, _changed(content or b"\0", rng, others))
    if {name for name, _ in members}.issuperset(SEALED) and rng.random() < 0.8:
        members = _resealed(members)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return data.getvalue()


def _changed_header(data: bytes, rng: random.Random) -> bytes:
    """The JSON text at the beginning of a safetensors file, its length put right or not."""
    (length,) = struct.unpack("<Q", data[:8])
    text, rest = data[8 : 8 + length], data[8 + length :]
    action = rng.randrange(4)
    if action == 0:
        return struct.pack("<Q", rng.choice((*NUMBERS, abs(length - 1), min(length + 1, 2**64 - 1)))) + text + rest
    if action == 1:
        at = rng.randrange(max(1, len(text)))
        text = text[:at] + rng.choice(WORDS) + text[at + rng.randrange(4) :]
    elif action == 2:
        text = _other_numbers(text, rng)
    else:
        rest = rest[: rng.randrange(len(rest) + 1)] if rest else b"\0"
    return struct.pack("<Q", len(text)) + text + rest


def _other_numbers(text: bytes, rng: random.Random) -> bytes:
    try:
        header = json.loads(text)
        entry = header[rng.choice(sorted(header))]
        key = rng.choice(sorted(entry))
        entry[key] = rng.choice((rng.choice(NUMBERS), [rng.choice(NUMBERS)], "x", None, [-1, 4], {"a": 1}, [2, [3]]))
        return json.dumps(header).encode()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return text + b" "


def _changed_model(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A whole ONNX model with one of its fields changed, so that the libraries read it to the end."""
    import onnx
    from google.protobuf.message import DecodeError, EncodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        messages = list(_messages(model))
        for _ in range(rng.choice((1, 1, 2, 3))):
            _change_field(rng.choice(messages), rng)
        return bytes(model.SerializeToString())
    except (DecodeError, EncodeError, ValueError, TypeError, IndexError):
        return _changed_bytes(data, rng, others)


def _messages(message: Any, depth: int = 0) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and depth < 12:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner, depth + 1)


def _change_field(message: Any, rng: random.Random) -> None:
    """Cut a list, double or swap its entries, or put another value in a field that the message may have."""
    fields = [field for field, _ in message.ListFields()]
    if rng.random() < 0.3 or not fields:
        fields = list(message.DESCRIPTOR.fields)
    field = rng.choice(fields)
    if field.message_type is not None:
        held = getattr(message, field.name)
        if not field.is_repeated:
            message.ClearField(field.name)
        elif held and rng.random() < 0.5:
            del held[rng.randrange(len(held))]
        elif held:
            held.add().CopyFrom(held[rng.randrange(len(held))])
        return
    if not field.is_repeated:
        setattr(message, field.name, _value(field, rng, getattr(message, field.name)))
        return
    held = getattr(message, field.name)
    place = rng.randrange(len(held) + 1)
    if place == len(held) or rng.random() < 0.2:
        held.append(_value(field, rng, held[-1] if held else None))
    elif rng.random() < 0.3:
        del held[place]
    else:
        held[place] = _value(field, rng, held[place])


def _value(field: Any, rng: random.Random, old: Any) -> Any:
    """Another value of the field's own type."""
    if field.type == field.TYPE_STRING:
        return rng.choice(("", "x", "y", "w", "Loop", "Relu", "Cast", "a" * 300, "\u202ex", f"{old}0", "com.microsoft"))
    if field.type == field.TYPE_BYTES:
        kept = bytes(old or b"")
        return rng.choice((b"", kept[:-1], kept * 2, rng.randbytes(max(1, len(kept)))))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice((0.0, -1.0, float("nan"), float("inf"), 1e38))
    wide = field.type in (field.TYPE_INT64, field.TYPE_UINT64)
    number = rng.choice((-1, 0, 1, 2, 3, 7, 16, 255, 4096, 2**31 - 1, 2**40, 2**62, -(2**63)))
    return number if wide else max(-(2**31), min(number, 2**31 - 1))
