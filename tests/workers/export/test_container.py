"""The target *Container*: the service with files that Docker builds an image of."""

import fnmatch
import sys
from pathlib import Path

import pytest
import yaml
from bundle_facts import unpacked, verified
from recording import RecordingContext
from run_text import run_text
from served_bundles import export_params

from workers.contracts.errors import InputRefused
from workers.export.container import BASE, IMAGE, NOT_BUILT, TARGET, container_files

PINNED = f"{BASE}@sha256:{'0f' * 32}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The container's own files."""
    for name, text in container_files(BASE, "my-shop", True).items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_dockerignore_keeps_the_public_key_and_drops_secrets(folder: Path) -> None:
    """Given Docker's rule that the last pattern that matches decides, then signed-by.pem alone of the keys is copied."""
    patterns = (folder / ".dockerignore").read_text().split()

    def is_copied(name: str) -> bool:
        matching = [one for one in patterns if fnmatch.fnmatch(name, one.removeprefix("!"))]
        return not matching or matching[-1].startswith("!")

    names = ("signed-by.pem", "model.sig", "SHA256SUMS", "signing-key.pem", "api-key.txt", ".env")
    assert [name for name in names if is_copied(name)] == ["signed-by.pem", "model.sig", "SHA256SUMS"]


def test_compose_names_a_key_file_outside_of_the_hashed_folder(folder: Path) -> None:
    """Given the lines for a key, when their signs are removed, then the key lies where no checksum misses it."""
    text = (folder / "compose.yaml").read_text()
    marks = ("# secrets:", "#   api", "#     file")
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(marks)]
    named = yaml.safe_load("\n".join(lines))["secrets"]["api-key"]["file"]
    assert not (folder / named).resolve().is_relative_to(folder.resolve())


@pytest.mark.parametrize("image", [BASE, PINNED])
@pytest.mark.parametrize("has_lock", [True, False])
def test_hadolint_and_compose_find_nothing(tmp_path: Path, image: str, has_lock: bool) -> None:
    """Given the files that are written, then hadolint finds nothing at all, and the service has no rights that it does not need."""
    for name, text in container_files(image, "my-shop", has_lock).items():
        (tmp_path / name).write_text(text)
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    command = [hadolint, "--no-color", "Dockerfile"]
    done = run_text(command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    service = yaml.safe_load((tmp_path / "compose.yaml").read_text())["services"]["model"]
    assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert (service["security_opt"], service["ports"]) == (["no-new-privileges:true"], ["127.0.0.1:8000:8000"])
    assert service["user"] == "10001:10001" and not {"privileged", "network_mode", "volumes"} & set(service)
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines and any(line.startswith("HEALTHCHECK ") for line in lines)
    assert ("--require-hashes -r requirements.lock" in (tmp_path / "Dockerfile").read_text()) == has_lock


@pytest.mark.parametrize(
    "image", ["python", "python:latest", "python:3.11\nRUN curl x", "python:3.11 AS x", "python:3.11@sha256:1"]
)
def test_invalid_image_is_refused(make_small, tmp_path: Path, image: str) -> None:
    """Given words that are no image with a version, then a clear refusal before anything is written."""
    params = export_params(make_small("cnn")).model_copy(update={"answers": {"image": image}})
    with pytest.raises(InputRefused, match="base image"):
        TARGET.write(params, RecordingContext(tmp_path))
    assert not list(tmp_path.iterdir())
    assert IMAGE.fullmatch(PINNED)


@pytest.mark.whole
def test_it_is_the_service_with_an_image_that_is_not_built(make_small, tmp_path: Path) -> None:
    """Given an export, then the service was tried, the image is reported not to be built, and the bundle verifies."""
    params = export_params(make_small("cnn")).model_copy(update={"target": "container", "answers": {"image": PINNED}})
    result, folder = unpacked(params, tmp_path)
    assert result.selftest[-1].what == NOT_BUILT and PINNED in result.selftest[-1].detail
    names = {path.name for path in folder.iterdir()}
    assert {"Dockerfile", "compose.yaml", ".dockerignore", "serve.py", "requirements.lock"} <= names
    assert f"FROM {PINNED}\n" in (folder / "Dockerfile").read_text()
    assert verified(folder).ok
