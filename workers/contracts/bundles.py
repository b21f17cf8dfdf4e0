"""Contracts of job kinds that write, describe and check bundles."""

from typing import Literal

from pydantic import JsonValue

from workers.contracts.after.load import CardLoad
from workers.contracts.after.stress import StressResult
from workers.contracts.base import Frozen, PathText
from workers.contracts.data.record import DataRecord
from workers.contracts.decisions import Decision
from workers.contracts.hub import Origin
from workers.contracts.jobs import DataResult
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.specs import DeviceFacts, Finding, RunParams, TaskScore
from workers.contracts.text import Text


class InsteadOf(Frozen):
    """The recommended version, if a target cannot take it and another version is written in its place."""

    id: str
    title: Text
    runtime: str


SpeedState = Literal["settled", "at_least", "not_settled", "first_look"]


class SpeedFacts(Frozen):
    """How certain a version's speed compared with the original is.

    Attributes:
        state: ``at_least``: other programs were running, and all comparisons agree on the factor `at_least`.
            ``not_settled``: other programs were running, and the comparisons disagree. ``first_look``: the version was
            measured at another time than the original.
    """

    state: SpeedState = "settled"
    at_least: float | None = None


class CardFacts(Frozen):
    """All facts in the model card and the manifest; all figures come from the store.

    Attributes:
        made_at: End of the run (ISO 8601, UTC), so that the same run gives the same bytes.
        n_judged: Number of test inputs behind the verdict.
        chosen_from: Number of versions of which this one is the best; 0 if it was not chosen that way.
        hub_origin: Where the original was downloaded from; None if it did not come from a hub.
        license_verdict: What the license allows.
        worst_slice_judged: False if too few of the slice's `worst_slice_n` predictions changed for a conclusion.
        elsewhere: Origin of a version that was not made here.
        instead_of: The recommended version, if it is a different one.
        decisions: The project's log of decisions, with author and time.
        speed: How certain the version's speedup is.
    """

    title: Text
    project: str
    made_at: str
    fettle_version: str
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    license: str | None = None
    origin: str = ""
    original_sha256: str
    device: DeviceFacts
    original: dict[str, JsonValue]  # VARIANT of docs/command-line.md
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

    @property
    def is_original(self) -> bool:
        """Return whether the version is the original."""
        return bool(self.variant["id"] == self.original["id"])


class CardParams(Frozen):
    """Parameters of the kind ``card``: preview of the model card without writing a bundle."""

    target: str
    model_dir: str
    facts: CardFacts


class ExportParams(CardParams):
    """Parameters of the kind ``export``: write `work_dir`/bundle.zip for one target and run it in a fresh environment.

    The job does not sign the bundle: it runs the model, so it may not read a key.

    Attributes:
        answers: The user's answers to the target's questions, by id.
        fallback: The original as judged, which a bundle then also holds, to run it if the version is slower or does not
            run.
    """

    original_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    answers: dict[str, str] = {}
    fallback: RunParams | None = None
    golden: int = 20


class ExportCheck(Frozen):
    """One check of the exported bundle."""

    what: Text
    ok: bool
    detail: Text = ""


class ExportResult(Frozen):
    """Result of the kinds ``export``, ``sign`` (the archive, if any, and `signed_by`) and ``card`` (only its text).

    Attributes:
        card_text: The card without the hub's header.
        card_page: The same as HTML.
        signed_by: Fingerprint of the signing key (sha256 of the public key's PEM file, as model-signing names it); ""
            if not signed.
    """

    path: str = "bundle.zip"
    sha256: str = ""
    size_bytes: int = 0
    files: int = 0
    selftest: tuple[ExportCheck, ...] = ()
    card_text: str = ""
    card_page: str = ""
    commands: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    signed_by: str = ""


class SignParams(Frozen):
    """Parameters of the kind ``sign``: sign the archive `bundle` with the private key in the file `key`.

    The job writes `work_dir`/bundle.zip. With an empty `bundle` only the key is checked. No model is opened, so that a
    model's code never runs beside the key.
    """

    key: PathText
    bundle: str = ""


class VerifyParams(Frozen):
    """Parameters of the kind ``verify``: check the hashes and golden predictions of a bundle.

    Golden predictions are computed with this program's code, never with the bundle's.

    Attributes:
        own_key: Fingerprint of this installation's key, "" if it has none. A torch program or TensorRT engine that this
            key signed runs without consent.
        allow_code: The user's consent to run such a program or engine.
    """

    bundle: PathText
    own_key: str = ""
    allow_code: bool = False


class VerifyResult(Frozen):
    """Result of the kind ``verify``."""

    ok: bool
    findings: tuple[Finding, ...]
