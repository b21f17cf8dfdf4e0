"""Write the archives of a version and the signed index by which installed programs find it.

Usage:
    python -m versions.publish key FILE
    python -m versions.publish index OUT KEY NOTES PAYLOAD [OLDER PAYLOAD …]

`key` makes a new private key and prints the public one for `app/version.py`. `index` writes for each payload folder one
archive with all its files, and one archive for each older version with the files that differ. It needs the package
cryptography, and runs where releases are made.
"""

import io
import json
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.files import digest_of
from versions.root import PAYLOAD, read_payload

VALID_DAYS = 90
INDEX = "index.json"
LEVEL: Final = 1
"""Level of xz; level 6 needs 6.5 times as long for 13 % less."""


def write_archive(folder: Path, target: Path, base: Path | None = None) -> dict[str, Any]:
    """Write the archive of a version, without the files that `base` has as well, and return its entry of the index.

    The same folders give the same bytes.
    """
    payload, known = read_payload(folder), read_payload(base)["files"] if base is not None else {}
    with tarfile.open(target, "w:xz", preset=LEVEL, format=tarfile.PAX_FORMAT) as tar:
        for name in [PAYLOAD, *sorted(payload["files"])]:
            digest, path = payload["files"].get(name), folder / name
            if base is not None and digest and digest == known.get(name) and _mode(path) == _mode(base / name):
                continue
            member = tarfile.TarInfo(name)
            data = path.read_bytes()
            member.size, member.mode = len(data), _mode(path)
            tar.addfile(member, io.BytesIO(data))
    return {"name": target.name, "size_bytes": target.stat().st_size, "sha256": digest_of(target)}


def write_index(out: Path, key: Path, notes: str, payload: Path, older: list[Path]) -> Path:
    """Write all archives of a version and the signed index; return the index."""
    facts = read_payload(payload)
    version, platform = facts["version"], facts["platform"]
    name = f"fettle-{version}-{platform}"
    files = {"": write_archive(payload, out / f"{name}.tar.xz")}
    for base in older:
        known = read_payload(base)["version"]
        files[known] = write_archive(payload, out / f"{name}-from-{known}.tar.xz", base)
    now = datetime.now(UTC)
    index = {
        "version": version, "notes": notes, "files": {platform: files},
        "issued": now.isoformat(timespec="seconds"), "expires": (now + timedelta(days=VALID_DAYS)).isoformat(),
    }  # fmt: skip
    text = json.dumps(index, indent=1)
    (out / INDEX).write_text(json.dumps({"signed": text, "signature": sign(key, text)}), encoding="utf-8")
    return out / INDEX


def new_key(path: Path) -> str:
    """Write a new private key that only its owner can read, and return the public key in hex."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(key.private_bytes_raw().hex(), encoding="ascii")
    return key.public_key().public_bytes_raw().hex()


def sign(key: Path, text: str) -> str:
    """Return the Ed25519 signature of a text in hex."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key.read_text(encoding="ascii")))
    return private.sign(text.encode()).hex()


def _mode(path: Path) -> int:
    return 0o555 if path.stat().st_mode & 0o100 else 0o444


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    match arguments:
        case ["key", path]:
            print(new_key(Path(path)))
        case ["index", out, key, notes, payload, *older]:
            print(write_index(Path(out), Path(key), notes, Path(payload), [Path(one) for one in older]))
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
