"""Define the result of a run as a file for other computers (`fettle-result/1`), and read it within limits.

The file holds figures, hashes and the names of techniques. It holds no data, predictions, paths or names of people,
computers and classes.
"""

import json
import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from workers.contracts.base import Frozen
from workers.contracts.specs import Verdict
from workers.contracts.translation import mark

FORMAT, FAMILY = "fettle-result/1", "fettle-result/"
MOST_BYTES, MOST_DEPTH, MOST_MARKS, MOST_VERSIONS = 1 << 18, 12, 20_000, 100
"""Limits of a file that are checked before it is parsed: bytes, nested brackets, and brackets and quotes in all.

A result has at most `MOST_VERSIONS` versions.
"""
Recipe = tuple[str, str, str | None]
"""Runtime, techniques with their parameters as JSON, and the digest of a version that no technique made."""
NOISE = frozenset(("cpu", "processor", "gen", "with", "radeon", "graphics"))


Flaw = Literal["unreadable", "format", "changed", "figures"]


class BadResult(ValueError):
    """A file is no valid result; `flaw` is ``unreadable``, ``format``, ``changed`` or ``figures``."""

    def __init__(self, flaw: Flaw, detail: str = "") -> None:
        """Create the error; `detail` is a technical text, such as the other format or the wrong field."""
        super().__init__(f"{flaw}: {detail}")
        self.flaw, self.detail = flaw, detail


class Signer(StrEnum):
    """What this installation knows about the key of a result."""

    OWN = "own"
    """It is the key of this installation."""
    KNOWN = "known"
    """The person accepted it before."""
    NEW = "new"
    """The key that signed the file is neither this computer's nor an accepted one."""
    NONE = "unsigned"
    """The file has no signature, so that nothing says who wrote it."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a name has no control characters")
    return text


Name = Annotated[str, Field(max_length=120), AfterValidator(_printable)]
Id = Annotated[str, Field(max_length=64, pattern=r"^[\w.+-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Loss = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Setting = bool | Count | Loss | Id
Settings = Annotated[dict[Id, Setting | Annotated[tuple[Setting, ...], Field(max_length=64)]], Field(max_length=64)]


class SavedMachine(Frozen):
    """The computer that measured: processor, usable cores and memory in bytes, and graphics cards."""

    processor: Name
    features: tuple[Id, ...] = Field(default=(), max_length=64)
    cores: int = Field(ge=1, le=100_000)
    memory_bytes: Count
    cards: tuple[Name, ...] = Field(default=(), max_length=64)

    def is_like(self, other: "SavedMachine") -> bool:
        """Return whether both have the same family of processors, instructions, cores and cards."""
        same = (self.cores, set(self.features), self.cards) == (other.cores, set(other.features), other.cards)
        return same and family(self.processor) == family(other.processor)


class SavedStep(Frozen):
    """One technique of a version; parameters that may name parts of a model are left out."""

    technique: Id
    version: Count = 1
    params: Settings = {}


class SavedFigures(Frozen):
    """Times in ms and memory in bytes; None if not measured. `*_low` and `*_high` are 95 % intervals.

    `speedup` is the original's mean time divided by this one's; with `under_load` a lower bound. It is None for the
    original, and for versions that were not measured in turn with it.
    """

    n: Count
    sets: Count = 0
    latency_mean_ms: Positive | None = None
    latency_p50_ms: Positive | None = None
    latency_p50_low_ms: Positive | None = None
    latency_p50_high_ms: Positive | None = None
    latency_p90_ms: Positive | None = None
    latency_p99_ms: Positive | None = None
    speedup: Positive | None = None
    speedup_low: Positive | None = None
    speedup_high: Positive | None = None
    under_load: bool = False
    throughput_per_s: Positive | None = None
    tokens_per_s: Positive | None = None
    peak_memory_bytes: Count | None = None

    @property
    def typical_ms(self) -> float | None:
        """Return the mean time, else the median."""
        return self.latency_p50_ms if self.latency_mean_ms is None else self.latency_mean_ms


class SavedVerdict(Frozen):
    """The verdict on `n` examples of which `changed` differ; shares are 0..1, the bounds of the loss one-sided."""

    verdict: Verdict
    task: Id = ""
    n: Count = 0
    changed: Count = 0
    changed_high: Share | None = None
    level: Share | None = None
    accuracy: Share | None = None
    accuracy_low: Share | None = None
    accuracy_high: Share | None = None
    loss: Loss | None = None
    loss_low: Loss | None = None
    loss_high: Loss | None = None


class SavedVersion(Frozen):
    """One version: digest of its model's files (None if they are gone), how it was made, figures and verdict."""

    sha256: Sha256 | None
    size_bytes: Count | None = None
    runtime: Id
    precision: Id = ""
    steps: tuple[SavedStep, ...] = Field(default=(), max_length=32)
    made_elsewhere: bool = False
    figures: SavedFigures
    verdict: SavedVerdict

    @property
    def recipe(self) -> Recipe:
        """Return what the same version of two computers has in common; the files of one made elsewhere as well."""
        steps = json.dumps([step.model_dump(mode="json") for step in self.steps], sort_keys=True)
        return self.runtime, steps, self.sha256 if self.made_elsewhere else None


class SavedResult(Frozen):
    """The measured versions of one run; `recommended` is an index of `versions`, None if the original was kept.

    `model_sha256` identifies the original as its owner has it. `engines` are versions by name. `limit_pct` is the
    allowed loss in percent, and `measured_on` a date.
    """

    model_sha256: Sha256
    machine: SavedMachine
    engines: dict[Id, Id] = Field(default={}, max_length=64)
    original: SavedVersion
    versions: tuple[SavedVersion, ...] = Field(max_length=MOST_VERSIONS)
    recommended: int | None = Field(default=None, ge=0)
    limit_pct: float = Field(ge=0, le=100, allow_inf_nan=False)
    measured_on: date

    @model_validator(mode="after")
    def _names_a_version(self) -> Self:
        if self.recommended is not None and self.recommended >= len(self.versions):
            raise ValueError("the recommended version is missing")
        return self

    @property
    def best(self) -> SavedVersion | None:
        """Return the recommended version, None if the original was kept."""
        return None if self.recommended is None else self.versions[self.recommended]

    @property
    def main(self) -> SavedVersion:
        """Return the recommended version, else the one file that was judged, else the original."""
        is_judged = len(self.versions) == 1 and self.versions[0].made_elsewhere
        return self.best or (self.versions[0] if is_judged else self.original)


class ResultFile(Frozen):
    """The whole file; `public_key` (PEM) and `signature` (base64) are "" in a file that is not signed."""

    format: str = FORMAT
    result: SavedResult
    public_key: str = Field(default="", max_length=2000)
    signature: str = Field(default="", max_length=1000)


def parse(data: bytes) -> dict[str, Any]:
    """Return the file's content before its signature and fields are checked; raise `BadResult`."""
    if len(data) > MOST_BYTES:
        raise BadResult("unreadable", mark("too many bytes"))
    depth, in_text = 0, False
    for number, found in enumerate(re.finditer(rb'\\.|["\[\]{}]', data, re.DOTALL)):
        if found[0] == b'"':
            in_text = not in_text
        elif not in_text:
            depth += {b"[": 1, b"{": 1}.get(found[0], -1)
        if depth > MOST_DEPTH or number > MOST_MARKS:
            raise BadResult("unreadable", mark("too many brackets and quotes, or nested too deeply"))
    try:
        content = json.loads(data, object_pairs_hook=_once, parse_constant=_no_figure)
    except BadResult:
        raise
    except (ValueError, RecursionError) as error:
        raise BadResult("unreadable", _safe(str(error))) from error
    named = content.get("format") if isinstance(content, dict) else None
    if not isinstance(named, str) or not named.startswith(FAMILY):
        raise BadResult("unreadable", mark("it names no format"))
    if named != FORMAT:
        raise BadResult("format", _safe(named))
    return dict(content)


def validated(content: dict[str, Any]) -> ResultFile:
    """Return parsed content as a record; raise `BadResult` for fields that are missing, unknown or out of bounds."""
    try:
        return ResultFile.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadResult("figures", _safe(f"{place}: {first['msg']}")) from error


def signed_bytes(content: dict[str, Any]) -> bytes:
    """Return what the signature covers: everything else in the file, with sorted keys and without spaces."""
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    try:
        return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    except ValueError as error:
        raise BadResult("figures", mark("a number is too large")) from error


def family(processor: str) -> str:
    """Return the name of a processor without model number, clock and cores: "amd epyc"; all of it if nothing stays."""
    plain = re.sub(r"\((r|tm)\)", " ", processor.lower())
    words = [word for word in plain.split() if word not in NOISE and not re.search(r"[\d@]", word)]
    return " ".join(words) or plain.strip()


def _safe(text: str) -> str:
    """Return text from a file, or about it, without control characters that a terminal obeys."""
    return "".join(filter(str.isprintable, text[:150]))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadResult("unreadable", mark("a field is there twice"))
    return found


def _no_figure(name: str) -> NoReturn:
    raise BadResult("figures", name)
