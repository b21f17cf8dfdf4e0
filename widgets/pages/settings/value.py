"""What the page Settings shows: frozen, raw numbers in SI units."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RuntimeValue:
    """`hint` is the install line or the reason, where it is not there."""

    id: str
    title: str
    available: bool
    about: str = ""
    hint: str = ""


@dataclass(frozen=True)
class LicenseValue:
    """A library that Fettle stands on."""

    name: str
    version: str
    license: str


@dataclass(frozen=True)
class SettingsValue:
    """`threads` None: as many as are sensible on this computer."""

    theme: Literal["system", "light", "dark"]
    data_folder: str
    data_bytes: int | None
    threads: int | None
    cores: int
    runtimes: tuple[RuntimeValue, ...] = ()
    version: str = ""
    licenses: tuple[LicenseValue, ...] = ()
    device: str = ""
