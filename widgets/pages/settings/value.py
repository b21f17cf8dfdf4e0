"""Define the values of the page Settings: frozen, with raw numbers in SI units."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.installing.value import SetValue


@dataclass(frozen=True)
class RuntimeValue:
    """A runtime; if it is not available, `hint` is the reason, or `missing` the set that it needs."""

    id: str
    title: str
    available: bool
    about: str = ""
    hint: str = ""
    missing: SetValue | None = None


@dataclass(frozen=True)
class LicenseValue:
    """A library that Fettle uses."""

    name: str
    version: str
    license: str


@dataclass(frozen=True)
class SettingsValue:
    """All settings; `threads` None means automatic, `memory_limit_bytes` None means Fettle's own limit."""

    theme: Literal["system", "light", "dark"]
    data_folder: str
    threads: int | None
    cores: int
    runtimes: tuple[RuntimeValue, ...] = ()
    version: str = ""
    licenses: tuple[LicenseValue, ...] = ()
    device: str = ""
    memory_limit_bytes: int | None = None
    detailed_log: bool = False
