"""Keys that cannot sign a bundle are refused by their code, whatever a library raises at them."""

import os
import sys
from pathlib import Path

import pytest
from recording import RecordingContext

from workers.contracts.bundles import SignParams
from workers.contracts.errors import InputRefused
from workers.export.signing import sign_bundle, write_public_key

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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_sign_reads_a_key_whose_name_is_no_text(tmp_path: Path) -> None:
    """Given a file that is no key and whose name is no text in any encoding, Then it is refused for what it holds."""
    pytest.importorskip("model_signing")
    refused = []
    for name in (b"plain.pem", b"\xff.pem"):
        key = tmp_path / os.fsdecode(name)
        key.write_text("secret")
        params = SignParams.model_validate_json(SignParams(key=str(key)).model_dump_json())
        with pytest.raises(InputRefused) as error:
            sign_bundle(params, RecordingContext(tmp_path))
        refused.append((error.value.code, error.value.detail.removeprefix(key.name)))
        assert error.value.info().model_dump_json()
    assert refused[0] == refused[1]
