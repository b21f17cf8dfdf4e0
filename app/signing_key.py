"""The installation's own key for signing bundles: made once, in a file of the data folder that only its owner may read.

It proves that a bundle is as this installation wrote it, not whose the installation is; so its fingerprint is shown.
"""

import contextlib
import hashlib
import importlib.util
import os
import stat
from pathlib import Path

from app.files import write_whole
from app.paths import DataPaths, unusable

KEY_FILE = "signing-key.pem"


def can_sign() -> bool:
    """Whether the packages that sign are installed; they are looked for and not loaded."""
    return all(importlib.util.find_spec(name) is not None for name in ("model_signing", "OpenSSL"))


def own_key(paths: DataPaths) -> Path:
    """Where the key lies, whether or not it was made."""
    return paths.root / KEY_FILE


def make_own_key(paths: DataPaths) -> Path:
    """The key's file; made where there is none (ECDSA on the curve P-256). Raises `DataFolderUnusable`."""
    path = own_key(paths)
    try:
        if not path.is_file():
            private, public = _new_key()
            write_whole(_public(path), public)
            write_whole(path, private)
        elif os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise unusable(path, error) from error
    return path


def fingerprint(path: Path) -> str:
    """sha256 of the public key's PEM form, as signatures name it; "" where no key was made."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(_public(path).read_bytes()).hexdigest() if path.is_file() else ""
    return ""


def _public(path: Path) -> Path:
    return path.with_suffix(".pub.pem")


def _new_key() -> tuple[bytes, bytes]:
    """(private, public) as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(*form), key.public_key().public_bytes(*public)
