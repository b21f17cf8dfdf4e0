"""Create and find the installation's own key for signing bundles and saved results.

The key is created once, in a file of the data folder that only its owner can read. It proves that a file is unchanged
since this installation wrote it. It does not prove who owns the installation, so the window shows the key's
fingerprint.
"""

import base64
import contextlib
import hashlib
import importlib.util
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from app.files import write_whole
from app.paths import DataPaths, unusable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

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


def sign(key: Path, content: bytes, kind: str) -> str:
    """Return the base64 signature of `content` by a private key (ECDSA with SHA-256); `kind` is its media type.

    Raises:
        ValueError: if the file is no private key of an elliptic curve.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return base64.b64encode(_private(key).sign(_framed(content, kind), ec.ECDSA(hashes.SHA256()))).decode()


def public_pem(key: Path) -> str:
    """Return the public key of a private key's file as PEM; raise ValueError as `sign` does."""
    from cryptography.hazmat.primitives import serialization

    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _private(key).public_key().public_bytes(*form).decode()


def signer_of(pem: str, signature: str, content: bytes, kind: str) -> str:
    """Return the fingerprint of the key that signed `content`, "" if the signature does not match."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_public_key(pem.encode())
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(base64.b64decode(signature, validate=True), _framed(content, kind), ec.ECDSA(hashes.SHA256()))
            return hashlib.sha256(pem.encode()).hexdigest()
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        return ""
    return ""


def _private(path: Path) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except TypeError as error:  # it needs a password
        raise ValueError("the key is encrypted") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is of another kind")
    return key


def _framed(content: bytes, kind: str) -> bytes:
    """Return the DSSE pre-authentication encoding, so that a signature of one kind of file serves no other kind."""
    return f"DSSEv1 {len(kind)} {kind} {len(content)} ".encode() + content
