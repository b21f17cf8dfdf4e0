"""Create and find the installation's own key for signing bundles.

The key is created once, in a file of the data folder that only its owner can read. It proves that a bundle is unchanged
since this installation wrote it. It does not prove who owns the installation, so the window shows the key's
fingerprint.
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
    """Return whether the packages for signing are installed, without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in ("model_signing", "OpenSSL"))


def own_key(paths: DataPaths) -> Path:
    """Return the path of the key, which may not exist yet."""
    return paths.root / KEY_FILE


def make_own_key(paths: DataPaths) -> Path:
    """Return the path of the key and create the key if it is missing (ECDSA on the curve P-256).

    Raises:
        DataFolderUnusable: if the key cannot be written.
    """
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
    """Return the sha256 of the public key in PEM form, as signatures name it; "" if there is no key."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(_public(path).read_bytes()).hexdigest() if path.is_file() else ""
    return ""


def _public(path: Path) -> Path:
    return path.with_suffix(".pub.pem")


def _new_key() -> tuple[bytes, bytes]:
    """Return a new (private, public) key pair as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(*form), key.public_key().public_bytes(*public)
