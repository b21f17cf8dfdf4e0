"""Store what is known about other computers: one folder for each, which only its owner can read.

A folder holds `computer.json`, the key `id_ed25519` that Fettle made for this computer, and `known_hosts`.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from app.files import write_whole
from app.paths import unusable
from workers.contracts.base import Frozen
from workers.contracts.errors import InputRefused
from workers.contracts.translation import _, mark

RECORD, KEY, KNOWN_HOSTS = "computer.json", "id_ed25519", "known_hosts"
PART = ".part"
"""End of the name of a folder that is not complete yet."""
SSH_PORT = 22

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
Line = Annotated[str, StringConstraints(max_length=200, pattern=f"^[^{_CONTROLS}]*$")]
"""A text of a stranger: one line without control characters, which could also turn the direction of the text."""
Bytes = Annotated[int, Field(ge=0, lt=2**63)]
"""A size that a stranger reports; larger ones are no floating-point numbers, which people are shown."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\-]{0,99}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?|[0-9a-fA-F:]{2,39}(%[A-Za-z0-9]{1,15})?")


class ComputerCard(Frozen):
    """An NVIDIA card of another computer."""

    uuid: Line
    name: Line
    memory_bytes: Bytes
    compute_capability: Line = ""


class ComputerFacts(Frozen):
    """What another computer said about itself at its last look.

    Attributes:
        features: Instruction sets by the names of `workers.infer.processor`.
        feature_titles: Those that people know, by their names for people, the strongest first.
        cores: Cores that the account may use.
        bits: 64 or 32, of its Python.
        libc: Such as ``glibc-2.41``; "" or another name where no ready-built packages exist.
        machine: Identity of the computer that measurements are stored under.
        versions: Versions of Fettle's workers that are installed there.
        clock_ahead_s: How far its clock is ahead of this computer's.
    """

    os: Line
    system: Line
    arch: Line
    bits: int = 64
    libc: Line = ""
    processor: Line = ""
    features: tuple[Line, ...] = Field(default=(), max_length=100)
    feature_titles: tuple[Line, ...] = Field(default=(), max_length=100)
    cores: int = Field(ge=1, le=100_000)
    memory_bytes: Bytes
    free_disk_bytes: Bytes
    cards: tuple[ComputerCard, ...] = Field(default=(), max_length=64)
    python: Line = ""
    machine: Line
    versions: tuple[Line, ...] = Field(default=(), max_length=100)
    clock_ahead_s: float = Field(default=0.0, allow_inf_nan=False)


class Computer(Frozen):
    """Another computer that Fettle reaches over SSH.

    Attributes:
        workers_version: Version of the workers that Fettle installed there.
        key_id: Name of Fettle's key in the file `authorized_keys` there.
        home: Folder of Fettle's workers there.
    """

    name: str
    host: str
    user: str
    port: int = Field(default=SSH_PORT, ge=1, le=65535)
    facts: ComputerFacts | None = None
    workers_version: str = ""
    key_id: str = ""
    home: str = ""

    @property
    def machine(self) -> str:
        """Return the identity that measurements of this computer are stored under; "" before its first look."""
        return self.facts.machine if self.facts is not None else ""

    @property
    def address(self) -> str:
        """Return the address as a person writes it."""
        port = "" if self.port == SSH_PORT else f":{self.port}"
        return f"{self.user}@{self.host}{port}"


def parse_address(text: str, name: str = "", port: int | None = None, known: Sequence[Computer] = ()) -> Computer:
    """Return the computer of ``user@host`` or ``user@host:port``.

    Unless a name is given, it has the name of the `known` computer with this address, else that of its host.

    Raises:
        InputRefused: if a part is missing or is not one that SSH would take as an address.
    """
    user, _at, host = text.strip().rpartition("@")
    if port is None and host.count(":") == 1:
        host, _colon, digits = host.partition(":")
        port = int(digits) if digits.isdecimal() and len(digits) <= 5 else 0
    chosen = SSH_PORT if port is None else port
    address = user, host, chosen
    name = name.strip() or next((one.name for one in known if (one.user, one.host, one.port) == address), "")
    name = name or re.sub(r"[:%]+", "-", host).strip("-")
    if not _USER.fullmatch(user) or not _HOST.fullmatch(host) or not 1 <= chosen <= 65535:
        raise InputRefused(
            "bad_address",
            mark("This is no address of a computer"),
            _("“{0}” should look like anna@server.local, or anna@192.168.1.20:2222 with a port.").format(text[:80]),
            mark("Enter the name that you use on that computer, an @, and the computer's name or IP address."),
        )
    if not _NAME.fullmatch(name) or len(name) > 64 or name.endswith(PART):
        raise InputRefused(
            "bad_name",
            mark("This name cannot be used"),
            _("“{0}” has other characters than letters, digits, dots and hyphens.").format(name[:80]),
            mark("Choose another name for this computer."),
        )
    return Computer(name=name, host=host, user=user, port=chosen)


def read_facts(raw: Mapping[str, Any], now_s: float) -> ComputerFacts:
    """Return the checked facts of a look; unknown fields of another version are left out.

    Raises:
        ValidationError: if a field is missing or is not what it should be.
    """
    known = {name: value for name, value in raw.items() if name in ComputerFacts.model_fields}
    clock_s = raw.get("clock_s")
    ahead_s = clock_s - now_s if isinstance(clock_s, float) else 0.0
    return ComputerFacts.model_validate({**known, "clock_ahead_s": ahead_s})


def computers(folder: Path) -> tuple[Computer, ...]:
    """Return all computers in the order of their names; a record that cannot be read is left out."""
    found = []
    for path in sorted(folder.glob(f"*/{RECORD}")):
        try:
            record = Computer.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if record.name == path.parent.name:
            found.append(record)
    return tuple(found)


def computer(folder: Path, name: str) -> Computer:
    """Return the computer with this name; raises KeyError if there is none."""
    found = {one.name: one for one in computers(folder)}
    return found[name]


def save(place: Path, record: Computer) -> None:
    """Write the record into its folder `place`, which exists; raises DataFolderUnusable."""
    try:
        write_whole(place / RECORD, json.dumps(record.model_dump(mode="json"), indent=1).encode())
    except OSError as error:
        raise unusable(place, error) from error


def new_place(folder: Path, name: str) -> Path:
    """Return a new, empty folder for a computer that is not complete yet; raises DataFolderUnusable."""
    place = folder / f"{name}{PART}"
    try:
        shutil.rmtree(place, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700)
    except OSError as error:
        raise unusable(place, error) from error
    return place


def complete(folder: Path, name: str) -> None:
    """Give the folder of a complete computer its name; an older one is replaced."""
    place, old = folder / name, folder / f"{name}.old{PART}"
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    (folder / f"{name}{PART}").replace(place)
    shutil.rmtree(old, ignore_errors=True)


def forget(folder: Path, name: str) -> None:
    """Remove the record and the key of a computer."""
    gone = folder / f"{name}.old{PART}"
    if (folder / name).exists():
        (folder / name).replace(gone)
    shutil.rmtree(gone, ignore_errors=True)
