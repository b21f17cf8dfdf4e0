"""Check a bundle without trusting its maker: its signature and its log of decisions.

The signature (`model.sig`) follows the OpenSSF model signing specification, version 1.0. It is a Sigstore bundle with a
DSSE envelope around an in-toto statement that names every file with its sha256, signed by ECDSA. Its list of files is
checked with sha256 alone. The signature itself needs the package `cryptography`; without it, `Signed.is_checked` is
False.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .words import Words

SIGNATURE_FILE, PUBLIC_KEY_FILE = "model.sig", "signed-by.pem"
DECISIONS_FILE = "GOVERNANCE.jsonl"
BEFORE_THE_FIRST = "0" * 64
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
BY_HAND = Words(
    "pip install model-signing==1.1.1 pyOpenSSL, then in this folder: "
    "model_signing verify key . --signature {0} --public_key {1}",
    SIGNATURE_FILE,
    PUBLIC_KEY_FILE,
)


@dataclass(frozen=True)
class Signed:
    """Result of the signature check of one bundle.

    Attributes:
        signed_by: sha256 of the public key's PEM file; "" for a bundle that is not signed.
        problems: Sentences about problems.
        is_checked: False if `cryptography` is missing, so that the signature itself was not checked.
    """

    signed_by: str = ""
    problems: tuple[str, ...] = ()
    is_checked: bool = False


def check_signature(folder: Path) -> Signed:
    """Return the result of the signature check; a bundle whose manifest names a signer must have a signature."""
    signature, key = folder / SIGNATURE_FILE, folder / PUBLIC_KEY_FILE
    promised = _promised(folder)
    if not signature.is_file():
        return Signed(promised, (Words("{0} is missing.", SIGNATURE_FILE),)) if promised else Signed()
    if not key.is_file():
        wrong = Words("{0} is missing.", PUBLIC_KEY_FILE) if promised else Words("{0} was added.", SIGNATURE_FILE)
        return Signed(promised, (wrong,))
    signed_by = hashlib.sha256(key.read_bytes()).hexdigest()
    try:
        envelope, payload, statement = _read(signature)
        named = {str(row["name"]): str(row["digest"]) for row in statement["predicate"]["resources"]}
        hint = json.loads(signature.read_bytes())["verificationMaterial"]["publicKey"]["hint"]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return Signed(signed_by, (Words("{0} was changed: it is not a signature of a model.", SIGNATURE_FILE),))
    if promised and signed_by != promised:
        return Signed(signed_by, (Words("{0} was changed.", PUBLIC_KEY_FILE),))
    if signed_by != hint:
        return Signed(
            signed_by, (Words("{0} was changed: it names another key than {1}.", SIGNATURE_FILE, PUBLIC_KEY_FILE),)
        )
    problems = differences(folder, named, (SIGNATURE_FILE,))
    is_checked = False
    try:
        is_right = _is_signed(key.read_bytes(), payload, base64.b64decode(envelope["signatures"][0]["sig"]))
        is_checked = True
    except ImportError:
        is_right = True
    except (ValueError, KeyError, TypeError, IndexError):
        is_right = False
    if not is_right:
        problems.insert(
            0, Words("{0} was changed: it was not made with the key in {1}.", SIGNATURE_FILE, PUBLIC_KEY_FILE)
        )
    return Signed(signed_by, tuple(problems), is_checked)


def check_decisions(folder: Path) -> list[str]:
    """Return a sentence if an entry of the log of decisions was changed, moved or removed, also at its end.

    The manifest holds the number of entries and the hash of the last one; manifests from before 0.2 do not. Without a
    signature only single changes are found: log, manifest and checksums can all be written anew.
    """
    path, end = folder / DECISIONS_FILE, _manifest(folder).get("decisions")
    if not path.is_file():
        return [Words("{0} is missing.", DECISIONS_FILE)] if isinstance(end, dict) and end.get("count") else []
    before = BEFORE_THE_FIRST
    number = 0
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            entry = dict(json.loads(line))
            sealed = entry.pop("sha256")
            content = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
            is_whole = (entry["number"], entry["previous"]) == (number, before)
        except (ValueError, KeyError, TypeError, RecursionError):
            return [Words("{0} was changed: entry {1} cannot be read.", DECISIONS_FILE, number)]
        if not is_whole or hashlib.sha256(content).hexdigest() != sealed:
            return [Words("{0} was changed: entry {1} is not as it was, or not where it was.", DECISIONS_FILE, number)]
        before = sealed
    last = {"count": number, "sha256": before if number else ""}
    if end in (None, last):
        return []
    return [Words("{0} was changed: its last entries were cut off or added.", DECISIONS_FILE)]


def _promised(folder: Path) -> str:
    """Return the signer that the manifest names; "" for none."""
    return str(_manifest(folder).get("signed_by") or "")


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the bundle's manifest; {} if it cannot be read."""
    path = folder / "manifest.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _read(signature: Path) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """Return (envelope, payload, statement); raise ValueError or KeyError if the file is no such signature."""
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    statement = json.loads(payload)
    kinds = (envelope["payloadType"], statement["predicateType"], statement["predicate"]["serialization"]["method"])
    if kinds != (PAYLOAD_TYPE, PREDICATE_TYPE, "files"):
        raise ValueError(kinds)
    if any(row["algorithm"] != "sha256" for row in statement["predicate"]["resources"]):
        raise ValueError("another algorithm")
    return envelope, payload, statement


def differences(folder: Path, listed: Mapping[str, Any], unlisted: Collection[str]) -> list[str]:
    """Return one sentence for each file whose sha256 is not as `listed`; links count as changed.

    Files named in `unlisted` may exist without a hash.
    """
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    found = {path.relative_to(folder).as_posix() for path in paths} - {*unlisted}
    changed = sorted(name for name in found & set(listed) if not _has_digest(folder / name, listed[name]))
    return [
        *(Words("{0} is missing.", name) for name in sorted(set(listed) - found)),
        *(Words("{0} was added.", name) for name in sorted(found - set(listed))),
        *(Words("{0} was changed.", name) for name in changed),
    ]


def _has_digest(path: Path, digest: object) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    return sha256_of(path) == digest


def sha256_of(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_signed(key_pem: bytes, payload: bytes, signature: bytes) -> bool:
    """Check ECDSA over the DSSE pre-authentication encoding (secure-systems-lab/dsse, protocol.md).

    Raises:
        ImportError: `cryptography` is missing.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_public_key(key_pem)
    except UnsupportedAlgorithm:
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    by_size: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    digest = by_size.get(key.curve.key_size)
    if digest is None:
        return False
    report = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    try:
        key.verify(signature, report, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True
