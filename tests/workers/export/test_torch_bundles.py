"""Bundles with a torch program: a stranger's is checked as text, and runs with consent alone."""

import shutil
from pathlib import Path

import pytest
from bundle_facts import run_python
from recording import RecordingContext
from torch_bundles import tamper, write_torch_bundle

from app.paths import DataPaths
from app.signing_key import fingerprint, make_own_key
from workers.contracts.bundles import SignParams, VerifyParams, VerifyResult
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.export.archive import pack
from workers.export.signing import sign_bundle
from workers.export.verify import verify
from workers.model_io.opening import inspect_model, open_model
from workers.pipeline.golden import write_sums
from workers.registry import targets

LOAD = "import sys; sys.path.insert(0, '.'); import bundle; print(bundle.load().inputs)"


@pytest.fixture(scope="module")
def exported(make_small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_torch_bundle(make_small("cnn"), tmp_path_factory.mktemp("torch-bundle"))


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(exported, tmp_path / "bundle")


@pytest.fixture
def ctx(tmp_path: Path) -> RecordingContext:
    (tmp_path / "work").mkdir()
    return RecordingContext(tmp_path / "work", threads=1)


def verified(folder: Path, ctx: RecordingContext, allow_code: bool) -> VerifyResult:
    return verify(VerifyParams(bundle=str(folder), allow_code=allow_code), ctx, targets())


def test_verify_own_torch_bundle_with_consent_compares_its_golden_answers(folder: Path, ctx: RecordingContext) -> None:
    """Given a bundle as Fettle exports it, when it is verified with consent, then its four answers are alike."""
    result = verified(folder, ctx, allow_code=True)
    assert result.ok
    assert any("4 answers are alike" in finding.what for finding in result.findings)


def test_verify_torch_bundle_without_consent_requests_it(folder: Path, ctx: RecordingContext) -> None:
    """Given a stranger's bundle with a program, when it is verified, then consent is requested by its code."""
    with pytest.raises(InputRefused) as refused:
        verified(folder, ctx, allow_code=False)
    assert (refused.value.code, refused.value.by_command) == ("needs_consent", "--allow-code")


@pytest.mark.parametrize("allow_code", [False, True])
@pytest.mark.parametrize("kind", ["pickled_inputs", "evaluated_size"])
def test_verify_hostile_torch_bundle_is_refused_unrun(
    folder: Path, ctx: RecordingContext, tmp_path: Path, kind: str, allow_code: bool
) -> None:
    """Given a payload with fitting checksums, when the bundle is verified, then it is unsafe, with consent or without."""
    marker = tmp_path / "marker"
    tamper(folder, kind, marker)
    with pytest.raises(InputRefused, check=lambda error: error.code == "unsafe"):
        verified(folder, ctx, allow_code)
    assert not marker.exists()


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["pickled_inputs", "evaluated_size"])
@pytest.mark.parametrize("script", [("-c", LOAD), ("run.py", "golden/example.npz"), ("verify.py",)])
def test_scripts_of_a_hostile_torch_bundle_refuse_it_unrun(
    folder: Path, tmp_path: Path, kind: str, script: tuple[str, ...]
) -> None:
    """Given a payload with fitting checksums, when a script of the bundle loads it, then it refuses and runs nothing."""
    marker = tmp_path / "marker"
    tamper(folder, kind, marker)
    done = run_python(folder, *script)
    assert done.returncode != 0
    assert "model.pt2 was not opened" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr or script[0] == "-c"
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["pickled_inputs", "executed_guard"])
def test_open_hostile_torch_bundle_is_refused_before_consent(
    folder: Path, ctx: RecordingContext, tmp_path: Path, kind: str
) -> None:
    """Given a hostile bundle, when it is inspected or opened to prove it, then it is unsafe and nothing runs."""
    marker = tmp_path / "marker"
    tamper(folder, kind, marker)
    for look in (inspect_model, open_model):
        with pytest.raises(InputRefused, check=lambda error: error.code == "unsafe"):
            look(OpenParams(path=str(folder), to_prove=True), ctx)
    assert not marker.exists()


def test_open_torch_bundle_needs_consent_and_opens_with_it(folder: Path, ctx: RecordingContext) -> None:
    """Given a sound bundle with a program, when it is opened to prove it, then only with consent."""
    with pytest.raises(InputRefused, check=lambda error: error.code == "needs_consent") as refused:
        open_model(OpenParams(path=str(folder), to_prove=True), ctx)
    opening = OpenParams(path=str(folder), to_prove=True, allow_code=True)
    with pytest.raises(InputRefused, check=lambda error: error.code == "needs_consent"):
        open_model(opening.model_copy(update={"code_sha256": "0" * 64}), ctx)
    result = open_model(opening.model_copy(update={"code_sha256": refused.value.facts["sha256"]}), ctx)
    assert result.runtime == "torch-cpu"


@pytest.mark.parametrize("name", ["MODEL.PT2", "model.Pt2"])
def test_verify_torch_bundle_with_a_name_in_capitals_requests_consent(
    folder: Path, ctx: RecordingContext, name: str
) -> None:
    """Given a program whose name is the same on systems that ignore capitals, then consent is requested."""
    (folder / "model" / "model.pt2").rename(folder / "model" / name)
    manifest = (folder / "manifest.json").read_text(encoding="utf-8").replace("model.pt2", name)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    write_sums(folder)
    with pytest.raises(InputRefused, check=lambda error: error.code == "needs_consent"):
        verified(folder, ctx, allow_code=False)


@pytest.mark.whole
def test_verify_torch_bundle_signed_with_the_own_key_needs_no_consent(
    folder: Path, ctx: RecordingContext, tmp_path: Path
) -> None:
    """Given a signed bundle, when it is verified, then this installation's key stands for consent, another does not."""
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
    own, other = (make_own_key(DataPaths(tmp_path / name)) for name in ("own", "other"))
    pack(folder, tmp_path / "bundle.zip", ctx)
    result = sign_bundle(SignParams(key=str(own), bundle=str(tmp_path / "bundle.zip")), ctx)
    signed = (ctx.work_dir / result.path).rename(tmp_path / "signed.zip")
    shutil.rmtree(ctx.work_dir / "unpacked")
    assert verify(VerifyParams(bundle=str(signed), own_key=fingerprint(own)), ctx, targets()).ok
    for key in (fingerprint(other), ""):
        shutil.rmtree(ctx.work_dir / "unpacked")
        with pytest.raises(InputRefused, check=lambda error: error.code == "needs_consent"):
            verify(VerifyParams(bundle=str(signed), own_key=key), ctx, targets())
