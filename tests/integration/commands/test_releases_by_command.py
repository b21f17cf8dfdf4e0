"""`fettle releases`, `fettle release`, `fettle rollback` and `--sign`, as other tools call them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fettle_command import Demo, Fettle

from app.cli.output import Globals
from app.cli.session import workspace
from app.services.records.decisions import DECISION, read_decisions
from workers.contracts.folder import sha256_file

FIELDS = {"version", "current", "run_id", "variant", "target", "sha256", "changed", "figures", "text", "bundle"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_release_list_and_roll_back(demo: Demo, tmp_path: Path) -> None:
    """Given the sample's run, when its bundle and then another version's are released, then the list has both with what changed,
    rolling back gives the first one's bytes, the log is whole, and once it is changed that is exit code 3."""
    fettle, project = demo.fettle, demo.document["project_id"]
    first = fettle("release", demo.run_id, "--json")
    assert first.code == 0, first.err
    assert set(first.document) >= FIELDS and (first.document["version"], first.document["changed"]) == (1, None)
    assert first.document["sha256"] == sha256_file(demo.bundle)
    known = (demo.document["baseline"], *demo.document["variants"])  # a busy computer may recommend nothing
    others = [one for one in known if one["id"] != first.document["variant"] and one["verdict"] != "regressed"]
    other = next(one["id"] for one in others if one["artifact"])
    second = fettle("release", demo.run_id, "--variant", other, "--json")
    assert second.code == 0, second.err
    changed = second.document["changed"]
    assert (changed["against"], changed["n"]) == (1, 1200) and changed["changed"] is not None
    listed = fettle("releases", project, "--json").document["projects"]
    (row,) = listed
    assert [one["version"] for one in row["releases"]] == [2, 1] and row["releases"][0]["current"]
    assert row["log"]["ok"] and [entry["kind"] for entry in row["log"]["entries"]] == ["released", "released"]
    back = fettle("rollback", project, "1", "--out", tmp_path / "back.zip", "--json")
    assert back.code == 0 and back.document["current"]
    assert (tmp_path / "back.zip").read_bytes() == demo.bundle.read_bytes()
    with workspace(Globals(data_dir=fettle.home), writes=True) as space:
        entry = read_decisions(space.repositories, project).entries[1]
        space.repositories.records.put(DECISION, project, entry.model_copy(update={"why": "x"}), "00000002")
    report = fettle.here("releases", project)
    assert report.code == 3 and "entry 2 is not as it was" in report.out


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["releases", "nobody"], 3, "unknown_project"),
        (["rollback", "nobody", "1"], 3, "unknown_project"),
        (["rollback", "nobody", "first"], 2, "usage"),
        (["release", "nobody"], 3, "unknown_run"),
        (["release", "nobody", "--sign", "/no/such/key.pem"], 3, "not_found"),
    ],
)
def test_what_is_refused(fettle: Fettle, arguments: list[str], code: int, error: str) -> None:
    """Given a missing release or a senseless request, then a sentence and an exit code of the contract."""
    done = fettle.here(*arguments, "--json")
    assert (done.code, done.error["code"]) == (code, error)


def test_nothing_released_is_an_empty_list(fettle: Fettle) -> None:
    """Given a fresh data folder, then there is nothing, and that is no error."""
    done = fettle.here("releases", "--json")
    assert (done.code, done.document) == (0, {"projects": []})


@pytest.mark.parametrize("kind", ["no key", "other curve", "with password"])
def test_a_key_that_cannot_sign_is_refused(demo: Demo, tmp_path: Path, kind: str) -> None:
    """Given a file that is no key, one of another curve, or one with a password, then it is shown how to make one, and no bundle
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
    done = demo.fettle.here("export", demo.run_id, "--target", "python", "--out", out, "--sign", key, "--json")
    assert (done.code, done.error["code"]) == (3, "bad_key")
    assert "openssl" in done.error["hint"] and "Nothing was written" in done.error["detail"] and not out.exists()
