"""Where the corpus is written, its index, and the payloads. Every payload only makes an empty file in the canary folder.

`expected` of a file is what the program may do with it: `REFUSE` with a clear message, `OPEN` it safely (show it without
running anything, freezing or crashing; a later step may still have to be refused, the note says so), or `EITHER`.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Expected = Literal["refused with clear message", "opened safely", "either"]
REFUSE: Expected = "refused with clear message"
OPEN: Expected = "opened safely"
EITHER: Expected = "either"


@dataclass(frozen=True)
class Entry:
    """One line of index.json. `attack`: it would run, write or read something if it were trusted."""

    file: str
    kind: str
    group: str
    expected: Expected
    ref: str = ""
    note: str = ""
    attack: bool = False


@dataclass
class Corpus:
    """`out` takes the files, `canary` is where payloads would leave their mark."""

    out: Path
    canary: Path
    entries: list[Entry] = field(default_factory=list)

    def place(self, name: str) -> Path:
        """Where a file lies; its folder is made."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(
        self,
        name: str,
        kind: str,
        group: str,
        expected: Expected,
        *,
        ref: str = "",
        note: str = "",
        attack: bool | None = None,
    ) -> None:
        """Note a file that is there already."""
        if "or refuse" in note or "as root" in note:
            expected = EITHER
        if attack is None:
            attack = group in ("pickle", "torch-zip")
        self.entries.append(Entry(name, kind, group, expected, ref, note, attack))

    def put(
        self,
        name: str,
        data: bytes,
        kind: str,
        group: str,
        expected: Expected,
        *,
        ref: str = "",
        note: str = "",
        attack: bool | None = None,
    ) -> None:
        """Write a file and note it."""
        self.place(name).write_bytes(data)
        self.add(name, kind, group, expected, ref=ref, note=note, attack=attack)

    def shell(self, case: str) -> str:
        """A shell command that leaves a mark."""
        return f'touch "${{HOSTILE_CANARY_DIR:-{self.canary}}}/{case}"'

    def python(self, case: str) -> str:
        """Python source that leaves a mark."""
        folder = str(self.canary)
        return f"import os;open(os.path.join(os.environ.get('HOSTILE_CANARY_DIR',{folder!r}),{case!r}),'w').close()"

    def write_index(self) -> None:
        """index.json, ASCII only."""
        rows = [asdict(entry) for entry in self.entries]
        (self.out / "index.json").write_text(json.dumps(rows, indent=1), encoding="ascii")


def read_index(out: Path) -> list[Entry]:
    """What `write_index` wrote."""
    return [Entry(**row) for row in json.loads((out / "index.json").read_text(encoding="ascii"))]
