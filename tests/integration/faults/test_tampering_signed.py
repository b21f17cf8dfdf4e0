"""Eighteen methods to tamper with a signed bundle by who can write all of its checksums anew: each is refused by name."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from fettle_command import Demo
from model_signing import verifying
from run_text import run_text
from tampered import check, refusals

from app.paths import DataPaths
from app.signing_key import fingerprint, make_own_key
from workers.contracts.decisions import DECISIONS_FILE, Decision, log_text
from workers.contracts.folder import sha256_file
from workers.export.layout import write_manifest
from workers.export.signing import sign, write_public_key
from workers.pipeline import trust
from workers.pipeline.golden import SUMS_FILE, write_sums
from workers.pipeline.trust import PUBLIC_KEY_FILE, SIGNATURE_FILE, check_decisions, check_signature

AT = "2026-03-04T05:06:07+00:00"


def decisions() -> tuple[Decision, ...]:
    made: list[Decision] = []
    for number, kind in enumerate(("limit_raised", "exported_anyway", "released"), 1):
        previous = made[-1].sha256 if made else "0" * 64
        why = "We know and accept the risk."
        entry = Decision(number=number, at=AT, who="kim", kind=kind, why=why, previous=previous, facts={"release": 1})
        made.append(entry.sealed())
    return tuple(made)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_own_key(DataPaths(tmp_path_factory.mktemp("key")))


@pytest.fixture(scope="module")
def whole(demo: Demo, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's bundle with a log of decisions, signed as an export does it."""
    folder = tmp_path_factory.mktemp("signed") / "bundle"
    shutil.unpack_archive(demo.bundle, folder)
    (folder / DECISIONS_FILE).write_text(log_text(decisions()), encoding="utf-8")
    signed_by = write_public_key(folder, key)
    log = decisions()
    redo(folder, signed_by=signed_by, decisions={"count": len(log), "sha256": log[-1].sha256})
    sign(folder, key)
    return folder


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(whole, tmp_path / "bundle")
    return tmp_path / "bundle"


def redo(folder: Path, **changes: object) -> None:
    """An attacker writes manifest and checksums again, so that both fit."""
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").unlink()
    (folder / SUMS_FILE).unlink()
    kept = (folder / SIGNATURE_FILE).read_bytes() if (folder / SIGNATURE_FILE).exists() else None
    (folder / SIGNATURE_FILE).unlink(missing_ok=True)
    write_manifest(folder, {**document, **changes})
    write_sums(folder)
    if kept is not None:
        (folder / SIGNATURE_FILE).write_bytes(kept)


def main_file(folder: Path) -> Path:
    model = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["model"]
    return folder / model["folder"] / model["main"]


def one_bit_of_the_model(folder: Path) -> str:
    path = next(path for path in sorted((folder / "model").rglob("*")) if path.stat().st_size > 5000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path.relative_to(folder).as_posix() + " was changed."


def another_model(folder: Path) -> str:
    path = main_file(folder)
    path.write_bytes(path.read_bytes() + b"\n")
    redo(folder)
    return path.relative_to(folder).as_posix() + " was changed."


def answers_exchanged(folder: Path) -> str:
    path = folder / "golden" / "answers" / "input0.bin"
    path.write_bytes(path.read_bytes()[::-1])
    redo(folder)
    return "golden/answers/input0.bin was changed."


def inputs_exchanged(folder: Path) -> str:
    path = folder / "golden" / "inputs" / "input0.bin"
    path.write_bytes(path.read_bytes()[::-1])
    redo(folder)
    return "golden/inputs/input0.bin was changed."


def figures_made_better(folder: Path) -> str:
    redo(folder, limit_pct=50.0)
    return "manifest.json was changed."


def one_checksum(folder: Path) -> str:
    lines = (folder / SUMS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if line.endswith("  run.py\n"))
    lines[at] = "0" * 64 + "  run.py\n"
    (folder / SUMS_FILE).write_text("".join(lines), encoding="utf-8")
    return f"{SUMS_FILE} was changed."


def a_shorter_list(folder: Path) -> str:
    lines = (folder / SUMS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / SUMS_FILE).write_text("".join(line for line in lines if "verify.py" not in line), encoding="utf-8")
    return f"{SUMS_FILE} was changed."


def a_file_renamed(folder: Path) -> str:
    (folder / "run.py").rename(folder / "start.py")
    redo(folder)
    return "run.py is missing."


def a_file_added(folder: Path) -> str:
    (folder / "numpy.py").write_text("print('mine')")
    redo(folder)
    return "numpy.py was added."


def a_file_removed(folder: Path) -> str:
    (folder / "EVIDENCE.md").unlink()
    redo(folder)
    return "EVIDENCE.md is missing."


def code_changed(folder: Path) -> str:
    (folder / "bundle.py").write_text("print('mine')")
    redo(folder)
    return "bundle.py was changed."


def a_link_in_its_place(folder: Path) -> str:
    kept = folder.parent / "kept.py"
    shutil.move(folder / "run.py", kept)
    (folder / "run.py").symlink_to(kept)
    return "run.py was changed."


def no_signature(folder: Path) -> str:
    (folder / SIGNATURE_FILE).unlink()
    return f"{SIGNATURE_FILE} is missing."


def a_signature_that_says_something_else(folder: Path) -> str:
    (folder / "run.py").write_text("print('mine')")
    redo(folder)
    import base64

    document = json.loads((folder / SIGNATURE_FILE).read_bytes())
    statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    for row in statement["predicate"]["resources"]:
        row["digest"] = sha256_file(folder / row["name"])
    document["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    (folder / SIGNATURE_FILE).write_text(json.dumps(document))
    return f"{SIGNATURE_FILE} was changed: it was not made with the key in {PUBLIC_KEY_FILE}."


def another_public_key(folder: Path) -> str:
    write_public_key(folder, make_own_key(DataPaths(folder.parent)))
    redo(folder)
    return f"{PUBLIC_KEY_FILE} was changed."


def signed_with_another_key(folder: Path) -> str:
    sign(folder, make_own_key(DataPaths(folder.parent)))
    return f"{SIGNATURE_FILE} was changed: it names another key than {PUBLIC_KEY_FILE}."


def a_decision_reworded(folder: Path) -> str:
    path = folder / DECISIONS_FILE
    path.write_text(path.read_text().replace("kim", "tom", 1), encoding="utf-8")
    redo(folder)
    return f"{DECISIONS_FILE} was changed: entry 1 is not as it was, or not where it was."


def a_decision_taken_out(folder: Path) -> str:
    path = folder / DECISIONS_FILE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")
    redo(folder)
    return f"{DECISIONS_FILE} was changed: entry 2 is not as it was, or not where it was."


WAYS: tuple[Callable[[Path], str], ...] = (
    one_bit_of_the_model, another_model, answers_exchanged, inputs_exchanged, figures_made_better, one_checksum,
    a_shorter_list, a_file_renamed, a_file_added, a_file_removed, code_changed, a_link_in_its_place, no_signature,
    a_signature_that_says_something_else, another_public_key, signed_with_another_key, a_decision_reworded,
    a_decision_taken_out,
)  # fmt: skip


@pytest.mark.parametrize("tamper", WAYS)
def test_each_manipulation_is_named(bundle: Path, tmp_path: Path, tamper: Callable[[Path], str]) -> None:
    """Given a signed bundle, when it is changed like this with all checksums that fit, then what differs is named."""
    expected = tamper(bundle)
    assert expected in refusals(check(bundle, tmp_path))


@pytest.mark.parametrize("tamper", [another_model, a_signature_that_says_something_else, a_decision_taken_out])
def test_the_bundle_itself_refuses_too(bundle: Path, tamper: Callable[[Path], str]) -> None:
    """Given such a bundle, when its own verify.py runs, then it reports the same, with exit code 3."""
    expected = tamper(bundle)
    done = run_text([sys.executable, "-B", "verify.py"], cwd=bundle)
    assert done.returncode == 3 and expected in done.stdout and "Traceback" not in done.stderr


def test_the_librarys_own_check_agrees(bundle: Path, whole: Path, tmp_path: Path) -> None:
    """Given the reference implementation of the specification, then it takes the bundle and refuses it where we do."""
    mine = verifying.Config().use_elliptic_key_verifier(public_key=whole / PUBLIC_KEY_FILE)
    mine.verify(whole, whole / SIGNATURE_FILE)
    for tamper in (another_model, a_signature_that_says_something_else, figures_made_better):
        folder = tmp_path / tamper.__name__ / "bundle"
        shutil.copytree(whole, folder)
        tamper(folder)
        with pytest.raises((ValueError, InvalidSignature)):
            verifying.Config().use_elliptic_key_verifier(public_key=folder / PUBLIC_KEY_FILE).verify(
                folder, folder / SIGNATURE_FILE
            )


def test_unchanged_bundle_verifies_with_its_key(bundle: Path, tmp_path: Path, key: Path) -> None:
    """Given nothing was changed, then it is whole, and the fingerprint is that of the file and of the installation."""
    result = check(bundle, tmp_path)
    assert result.ok
    signed_by = hashlib.sha256((bundle / PUBLIC_KEY_FILE).read_bytes()).hexdigest()
    assert signed_by == fingerprint(key) == check_signature(bundle).signed_by
    assert any(signed_by in finding.what for finding in result.findings)
    assert check_decisions(bundle) == [] and key.stat().st_mode & 0o777 == 0o600


def test_without_cryptography_files_are_compared_all_the_same(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a computer without the package, then a changed file is named by what was signed, and that the signature itself
    was not checked is known."""

    def absent(*_: object) -> bool:
        raise ImportError("cryptography")

    monkeypatch.setattr(trust, "_is_signed", absent)
    found = check_signature(bundle)
    assert (found.problems, found.is_checked) == ((), False) and found.signed_by
    assert code_changed(bundle) in check_signature(bundle).problems
