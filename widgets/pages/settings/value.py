"""Define the values of the page Settings: frozen, with raw numbers in SI units."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.installing.value import SetValue
from workers.contracts.specs import Described


@dataclass(frozen=True)
class SettingsValue:
    """All settings; `threads` None means automatic, `memory_limit_bytes` None means Fettle's own limit.

    Each runtime comes with the set that it needs, None if it needs none. `sets` are all optional sets. `licenses` are
    name, version and license of the libraries that Fettle uses. `language` "" follows the system; no font here has the
    letters of those in `without_font`.
    """

    theme: Literal["system", "light", "dark"]
    data_folder: str
    threads: int | None
    cores: int
    runtimes: tuple[tuple[Described, SetValue | None], ...] = ()
    version: str = ""
    licenses: tuple[tuple[str, str, str], ...] = ()
    device: str = ""
    memory_limit_bytes: int | None = None
    detailed_log: bool = False
    sets: tuple[SetValue, ...] = ()
    language: str = ""
    without_font: frozenset[str] = frozenset()
    text_percent: int = 100
    less_motion: bool = False
