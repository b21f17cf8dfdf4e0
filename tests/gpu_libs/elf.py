"""What a shared library requests and is called: NEEDED and SONAME of its dynamic section (System V ABI, ELF-64)."""

import struct
from pathlib import Path

DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME = 0, 1, 5, 14
PT_LOAD, PT_DYNAMIC = 1, 2
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
DYNAMIC = struct.Struct("<qQ")


def needed(path: Path) -> tuple[str, ...]:
    """Names of the libraries that it requests. Raises ValueError."""
    return _names(path, DT_NEEDED)


def soname(path: Path) -> str:
    """Return the name that other libraries request it by, else its file's name. Raises ValueError."""
    return next(iter(_names(path, DT_SONAME)), path.name)


def _names(path: Path, wanted: int) -> tuple[str, ...]:
    """As they stand in the file. Raises ValueError if it is no 64-bit little-endian ELF file."""
    with path.open("rb") as file:
        head = file.read(HEADER.size)
        if head[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no ELF-64 file")
        fields = HEADER.unpack(head)
        start, entry_size, count = fields[5], fields[9], fields[10]
        file.seek(start)
        table = file.read(entry_size * count)
        segments = [PROGRAM.unpack_from(table, number * entry_size) for number in range(count)]
        dynamic = next(segment for segment in segments if segment[0] == PT_DYNAMIC)
        file.seek(dynamic[2])
        entries = list(DYNAMIC.iter_unpack(file.read(dynamic[5])))
        address = next(value for tag, value in entries if tag == DT_STRTAB)
        segment = next(one for one in segments if one[0] == PT_LOAD and one[3] <= address < one[3] + one[5])
        file.seek(segment[2] + address - segment[3])
        strings = file.read(1 << 20)
    names = []
    for tag, value in entries:
        if tag == DT_NULL:
            break
        if tag == wanted:
            names.append(strings[value : strings.index(b"\0", value)].decode())
    return tuple(names)
