"""`fettle releases`, `fettle release`, `fettle rollback` and `--sign`, as other tools call them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fettle_command import Demo, Fettle


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["releases", "nobody"], 3, "unknown_project"),
        (["rollback", "nobody", "1"], 3, "unknown_project"),
        (["rollback", "nobody", "first"], 2, "usage"),
        (["release", "nobody"], 3, "unknown_run"),
        (["release", "nobody", "--sign", "/no/such/key.pem"], 3, "not_found"),
        (["release", "nobody", "--service", "https://shop.example"], 3, "bad_service"),
        (["rollback", "nobody", "1", "--service", "8000", "--api-key-file", "/no/such/key"], 3, "no_key"),
    ],
)
def test_what_is_refused(fettle: Fettle, arguments: list[str], code: int, error: str) -> None:
    """Given what is not there or makes no sense, then words and an exit code of the contract."""
    done = fettle.here(*arguments, "--json")
    assert (done.code, done.error["code"]) == (code, error)


def test_nothing_released_is_an_empty_list(fettle: Fettle) -> None:
    """Given a fresh data folder, then there is nothing, and that is no error."""
    done = fettle.here("releases", "--json")
    assert (done.code, done.document) == (0, {"projects": []})


@pytest.mark.parametrize("kind", ["no key", "other curve", "with password"])
def test_a_key_that_cannot_sign_is_refused(demo: Demo, tmp_path: Path, kind: str) -> None:
    """Given a file that is no key, one of another curve, or one with a password, then words say how to make one, and no bundle
    is written."""
    key, out = tmp_path / "key.pem", tmp_path / "b.zip"
    if kind == "no key":
        key.write_text("secret")
    else:
        made = ec.generate_private_key(ec.SECP256K1() if kind == "other curve" else ec.SECP256R1())
        closed = kind == "with password"
        lock = serialization.BestAvailableEncryption(b"geheim") if closed else serialization.NoEncryption()
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        key.write_bytes(made.private_bytes(*form, lock))
    done = demo.fettle("export", demo.run_id, "--target", "python", "--out", out, "--sign", key, "--json")
    assert (done.code, done.error["code"]) == (3, "bad_key")
    assert "openssl" in done.error["hint"] and "Nothing was written" in done.error["detail"] and not out.exists()
