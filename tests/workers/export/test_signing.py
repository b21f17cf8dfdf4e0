"""Keys that cannot sign a bundle are refused by their code, whatever a library raises at them."""

from pathlib import Path

import pytest

from workers.contracts.errors import InputRefused
from workers.export.signing import write_public_key

SECP112R1 = """-----BEGIN EC PRIVATE KEY-----
MD4CAQEEDkAejfOrykZmPROaVUUnoAcGBSuBBAAGoSADHgAENidvLripSfYlGsOk
CLZedzANV8mxhI1iZkZC+g==
-----END EC PRIVATE KEY-----
"""
"""A curve that cryptography does not know (UnsupportedAlgorithm, no ValueError)."""


@pytest.mark.parametrize("content", [SECP112R1, "secret", "\0\1", None])
def test_write_public_key_of_an_unusable_key_is_refused(tmp_path: Path, content: str | None) -> None:
    """Given a key of an unknown curve, no key, or a folder, then it is refused and no public key is written."""
    key = tmp_path / "key.pem"
    key.mkdir() if content is None else key.write_text(content)
    with pytest.raises(InputRefused, check=lambda error: error.code == "bad_key"):
        write_public_key(tmp_path, key)
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]
