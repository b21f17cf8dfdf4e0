"""Sign a bundle's folder by the OpenSSF model signing specification, with the package `model-signing`.

A local key proves that nothing was changed since its owner signed the bundle, but not who the owner is.
"""

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportResult, SignParams
from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.folder import sha256_file
from workers.contracts.optional_sets import install_command, where_to_install
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, mark
from workers.export.archive import pack, unpack
from workers.export.layout import write_manifest
from workers.export.selftest import failed
from workers.pipeline.golden import SUMS_FILE, check_sums, write_sums
from workers.pipeline.trust import PUBLIC_KEY_FILE, SIGNATURE_FILE, check_signature

HOW_TO_MAKE = mark("Make one: openssl ecparam -name prime256v1 -genkey -noout -out KEY.pem")
CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""Elliptic curves of the specification."""


def sign_bundle(params: SignParams, ctx: JobContext) -> ExportResult:
    """Sign an archive, or only check the key.

    Raises:
        InputRefused: The key cannot be used.
        BackendMissing: The package is missing.
        WorkerError: The signed bundle does not verify.
    """
    key = from_text(params.key)
    if importlib.util.find_spec("model_signing") is None:
        raise _missing()
    if not params.bundle:
        return ExportResult(signed_by=write_public_key(ctx.work_dir, key))
    folder, signed = unpack(Path(params.bundle), ctx), ctx.work_dir / "bundle.zip"
    manifest = folder / "manifest.json"
    document: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    for old in (manifest, folder / SUMS_FILE):
        old.unlink()
    document["signed_by"] = write_public_key(folder, key)
    write_manifest(folder, document)
    write_sums(folder)
    sign(folder, key)
    problems = [*check_sums(folder), *check_signature(folder).problems]
    if problems:
        raise failed(joined([_("Its signature does not hold."), problems[0]]))
    count = pack(folder, signed, ctx)
    return ExportResult(
        signed_by=document["signed_by"], sha256=sha256_file(signed), size_bytes=signed.stat().st_size, files=count
    )


def write_public_key(folder: Path, key_file: Path) -> str:
    """Write `signed-by.pem` into the bundle and return its fingerprint; raise `InputRefused` for an unusable key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except TypeError as error:
        hint = mark("Write it anew without one: openssl ec -in KEY.pem")
        raise _no_key(_("It is closed with a password."), hint) from error
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(_("{0} cannot be read as one.").format(key_file.name), HOW_TO_MAKE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise _no_key(_("Only keys of the curves P-256, P-384 and P-521 sign models."), HOW_TO_MAKE)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / PUBLIC_KEY_FILE).write_bytes(public)
    return hashlib.sha256(public).hexdigest()


def sign(folder: Path, key_file: Path) -> None:
    """Write `model.sig` over every other file of the folder; raise `BackendMissing` without `model-signing`."""
    try:
        from model_signing import hashing, signing
    except ImportError as error:
        raise _missing() from error
    hashed = hashing.Config().set_ignored_paths(paths=[SIGNATURE_FILE], ignore_git_paths=False)
    config = signing.Config().use_elliptic_key_signer(private_key=key_file).set_hashing_config(hashed)
    config.sign(folder, folder / SIGNATURE_FILE)


def _missing() -> BackendMissing:
    return BackendMissing(
        "signing_missing",
        "Signing needs one more package",
        "model-signing is not installed. Nothing was written.",
        joined([_(where_to_install("sign")), _("Or export without a signature.")]),
        by_command=f"{install_command('sign')}.",
    )


def _no_key(detail: str, hint: str) -> InputRefused:
    whole = joined([detail, _("Nothing was written.")])
    return InputRefused("bad_key", "This key cannot sign a bundle", whole, hint)
