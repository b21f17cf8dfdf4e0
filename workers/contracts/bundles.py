"""Kinds of job that write, describe and check bundles: their parameters and results."""

from typing import Literal

from pydantic import JsonValue

from workers.contracts.after.load import CardLoad
from workers.contracts.after.stress import StressResult
from workers.contracts.base import Frozen
from workers.contracts.data.record import DataRecord
from workers.contracts.decisions import Decision
from workers.contracts.hub import Origin
from workers.contracts.jobs import DataResult
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.specs import DeviceFacts, Finding, TaskScore


class InsteadOf(Frozen):
    """The recommended version, where a target cannot take it and another is written in its place."""

    id: str
    title: str
    runtime: str


SpeedState = Literal["settled", "at_least", "not_settled", "first_look"]


class SpeedFacts(Frozen):
    """How far a version's speed beside the original is settled.

    ``at_least``: other programs were running, and all ways to compare agree on the factor `at_least`. ``not_settled``:
    they were, and do not agree. ``first_look``: it was measured at another moment than the original.
    """

    state: SpeedState = "settled"
    at_least: float | None = None


class CardFacts(Frozen):
    """Everything that the model card and the manifest say; all figures come from the store.

    `n_judged` is the number of test inputs that the verdict rests on. `hub_origin` is where the original was
    downloaded from, None for one that did not come from a hub. `license_verdict` is what the license allows.
    `elsewhere` says where this version comes from, where it was not made here; `instead_of` names the recommended one
    where it is another. `chosen_from` is how many versions it is
    the best of, 0 where it was not chosen so. `decisions` is the project's log of who decided what when. `speed` says
    how far the version's speedup is settled. `worst_slice_judged` is False where too few of its `worst_slice_n` answers
    changed to say anything.
    """

    title: str
    project: str
    made_at: str  # ISO 8601, UTC: when its run ended, so that the same run gives the same bytes
    fettle_version: str
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    license: str | None = None
    origin: str = ""
    original_sha256: str
    device: DeviceFacts
    original: dict[str, JsonValue]  # VARIANT of CLI.md
    variant: dict[str, JsonValue]
    data: DataResult | None = None
    limit_pct: float
    override_reason: str | None = None
    run_id: str = ""
    n_judged: int | None = None
    chosen_from: int = 0
    hub_origin: Origin | None = None
    license_verdict: LicenseVerdict | None = None
    stress: StressResult | None = None
    scores: tuple[TaskScore, ...] = ()
    worst_slice: str | None = None
    worst_slice_drop: float | None = None
    worst_slice_n: int | None = None
    worst_slice_judged: bool = True
    load: CardLoad | None = None
    data_record: DataRecord | None = None
    elsewhere: Elsewhere | None = None
    instead_of: InsteadOf | None = None
    decisions: tuple[Decision, ...] = ()
    speed: SpeedFacts = SpeedFacts()


class Fallback(Frozen):
    """What a bundle holds besides, and runs where the version is slower or does not run: the original, as judged."""

    title: str
    model_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}


class ExportParams(Frozen):
    """kind ``export``: writes `work_dir`/bundle.zip for one target and runs it in a fresh environment.

    With `fallback` the bundles of targets that say so hold that, too. It is not signed here: the job runs the model,
    and may not read a key.
    """

    target: str
    model_dir: str
    original_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    facts: CardFacts
    answers: dict[str, str] = {}
    fallback: Fallback | None = None
    golden: int = 20


class ExportCheck(Frozen):
    what: str
    ok: bool
    detail: str = ""


class ExportResult(Frozen):
    """`card_text` is what people read of the card, without the hub's header, `card_page` the same as HTML. `signed_by`
    is the fingerprint of the key that it was signed with (sha256 of the public key's PEM file, as model-signing names
    it), "" where it was not."""

    path: str = "bundle.zip"
    sha256: str
    size_bytes: int
    files: int
    selftest: tuple[ExportCheck, ...]
    card_text: str
    card_page: str = ""
    commands: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    signed_by: str = ""


class SignParams(Frozen):
    """kind ``sign``: writes `work_dir`/bundle.zip, the archive `bundle` signed with the private key in the file `key`.

    With `bundle` "" the key alone is checked. No model is opened, so that a model's code never runs beside the key.
    """

    key: str
    bundle: str = ""


class SignResult(Frozen):
    """`signed_by` is the fingerprint of the key. The other fields describe the signed archive, if there is one."""

    signed_by: str
    path: str = "bundle.zip"
    sha256: str = ""
    size_bytes: int = 0
    files: int = 0


class CardParams(Frozen):
    """kind ``card``: the model card as it will read, without writing a bundle."""

    target: str
    model_dir: str
    facts: CardFacts


class CardResult(Frozen):
    """`text` is what people read of it, without the hub's header."""

    text: str


class VerifyParams(Frozen):
    """kind ``verify``: hashes, then golden answers through this program's own code, never the bundle's.

    `own_key` is the fingerprint of this installation's key, "" where it has none: what it signed needs no consent to
    run the torch program or TensorRT engine in it. `allow_code` is that consent.
    """

    bundle: str
    own_key: str = ""
    allow_code: bool = False


class VerifyResult(Frozen):
    ok: bool
    findings: tuple[Finding, ...]
