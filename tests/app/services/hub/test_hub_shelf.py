"""Test the cache of downloaded models and of unfinished downloads, and the choice of the hub."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flows import codes, refusal

from app.paths import DataPaths
from app.services.flow.steps import JobError
from app.services.hub.flows import check_room, check_wanted
from app.services.hub.model_cache import ModelCache, PendingDownload
from app.services.hub.place import certificate_paths, checked_endpoint, hub_place
from workers.contracts.hub import HubFile, HubModelResult, HubRequest, Origin, OriginFile

COMMIT, LARGE = "c" * 40, 1 << 20


def pending(repo: str = "ann/net", digest: str = "a", commit: str = COMMIT, more: int = 0) -> PendingDownload:
    files = [HubFile(name="model.onnx", size_bytes=LARGE, sha256=digest * 64)]
    files += [HubFile(name=f"more{number}.json", size_bytes=2, git_oid="b" * 40) for number in range(more)]
    return PendingDownload(
        endpoint="https://hub", repo=repo, revision="main", commit=commit, files=tuple(files), since="2026"
    )


def origin(download: PendingDownload, at: str = "2026-01-01T00:00:00+00:00") -> Origin:
    files = tuple(
        OriginFile(name=file.name, sha256=file.sha256 or "d" * 64, size_bytes=file.size_bytes)
        for file in download.files
    )
    return Origin(
        endpoint=download.endpoint,
        repo=download.repo,
        revision="main",
        commit=download.commit,
        files=files,
        downloaded_at=at,
    )


def put(model_cache: ModelCache, download: PendingDownload, **more: Any) -> Any:
    """Adopt a complete download."""
    place = model_cache.begin(download)
    for file in download.files:
        target = place / "files" / file.name
        if not target.exists():
            target.write_bytes(b"x" * file.size_bytes)
    return model_cache.adopt(download, origin(download, **more))


@pytest.fixture
def model_cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "hub")


def test_complete_model_is_found_again(model_cache: ModelCache) -> None:
    stored = put(model_cache, pending(more=1))

    again = ModelCache(model_cache.root)
    assert again.list() == (stored,)
    assert again.get(stored.key) == stored
    assert stored.folder.name == "net"
    assert stored.open_path == stored.folder
    assert stored.size_bytes == LARGE + 2
    assert again.owner(stored.folder / "model.onnx") == stored
    assert again.owner(model_cache.root / "elsewhere") is None
    assert again.pending_downloads() == ()
    assert (stored.folder / "model.onnx").stat().st_mode & 0o777 == 0o400
    assert model_cache.models.stat().st_mode & 0o777 == 0o700


def test_key_is_equal_for_the_same_files(model_cache: ModelCache) -> None:
    assert pending().key == pending().key
    others = (pending(repo="b/net"), pending(digest="e"), pending(commit="d" * 40), pending(more=1))
    assert len({other.key for other in others} | {pending().key}) == 5


def test_begin_links_large_files_of_other_models(model_cache: ModelCache) -> None:
    """Given a newer commit with the same weights, When its download begins, Then they are linked and take no more
    room."""
    old = put(model_cache, pending())
    newer = pending(commit="d" * 40, more=1)
    place = model_cache.begin(newer)

    linked = place / "files" / "model.onnx"
    assert linked.samefile(old.folder / "model.onnx")
    assert model_cache.received_bytes(newer.key) == LARGE
    new = put(model_cache, newer)
    model_cache.remove(old.key)
    assert (new.folder / "model.onnx").stat().st_nlink == 1


@pytest.mark.parametrize("damage", ["gone", "cut", "no note", "bad note"])
def test_damaged_model_counts_as_missing(model_cache: ModelCache, damage: str) -> None:
    stored = put(model_cache, pending())
    file, note = stored.folder / "model.onnx", stored.folder.parent / "note.json"
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.chmod(0o600)
        file.write_bytes(b"x")
    elif damage == "no note":
        note.unlink()
    else:
        note.write_text("{")

    assert model_cache.get(stored.key) is None
    assert model_cache.list() == ()
    assert put(model_cache, pending()).key == stored.key, "and it can be had again"


@pytest.mark.parametrize("is_link", [True, False])
def test_incomplete_download_is_not_adopted(model_cache: ModelCache, tmp_path: Path, is_link: bool) -> None:
    """Given a file of another size, or a link in a file's place, Then there is no model."""
    (tmp_path / "secret").write_bytes(b"x" * LARGE)
    file = model_cache.begin(pending()) / "files" / "model.onnx"
    file.symlink_to(tmp_path / "secret") if is_link else file.write_bytes(b"x")
    assert codes(lambda: model_cache.adopt(pending(), origin(pending()))) == ("hub_not_whole", 3)

    assert model_cache.list() == ()
    assert (tmp_path / "secret").read_bytes() == b"x" * LARGE


def test_begun_download_is_known_after_a_restart(model_cache: ModelCache) -> None:
    place = model_cache.begin(pending())
    (place / "pieces").mkdir()
    (place / "pieces" / "x.part").write_bytes(b"x" * 500)

    again = ModelCache(model_cache.root)
    assert again.pending_downloads() == (pending(),)
    assert again.received_bytes(pending().key) == 500
    again.discard(pending().key)
    assert again.pending_downloads() == ()
    assert not place.exists()


def test_begin_removes_leftovers_of_a_killed_program(model_cache: ModelCache) -> None:
    for name in (f".{'a' * 32}.new", f".{'b' * 32}.gone"):
        (model_cache.models / name).mkdir(parents=True)
    (model_cache.arriving / ("e" * 32)).mkdir(parents=True)
    model_cache.begin(pending())

    assert list(model_cache.models.iterdir()) == []
    assert [path.name for path in model_cache.arriving.iterdir()] == [pending().key]


def test_one_download_at_a_time_of_the_same_files(model_cache: ModelCache) -> None:
    with model_cache.hold(pending().key):
        for _ in range(2):
            assert codes(lambda: model_cache.discard(pending().key)) == ("hub_download_busy", 6)
        model_cache.discard(pending(more=1).key)
    model_cache.discard(pending().key)
    assert list(model_cache.arriving.glob("*.lock")) == []


def test_find_returns_the_newest_model_of_the_same_request(model_cache: ModelCache) -> None:
    """Given two commits of one repository, Then the newest one of the same request is returned."""
    old = put(model_cache, pending())
    new = put(model_cache, pending(commit="d" * 40), at="2026-02-01T00:00:00+00:00")

    request = HubRequest(repo="ann/net")
    assert model_cache.find("https://hub", request) == new
    assert model_cache.find("https://hub", HubRequest(repo="ann/net", revision=COMMIT)) == old
    assert model_cache.find("https://other", request) is None
    for change in ({"repo": "ann/none"}, {"revision": "v2"}, {"patterns": ("*.bin",)}, {"allow_pickle": True}):
        assert model_cache.find("https://hub", request.model_copy(update=change)) is None


@pytest.mark.parametrize("repo", ["ann/..", "ann/.hidden", "ann/ä ö", "ann/" + "x" * 300])
def test_folder_names_are_valid_everywhere(model_cache: ModelCache, repo: str) -> None:
    name = put(model_cache, pending(repo=repo)).folder.name

    assert 0 < len(name) <= 100
    assert name.isascii()
    assert not name.startswith(".")


def test_check_room_refuses_a_full_disk(model_cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    model_cache.begin(pending())
    check_room(model_cache, pending())
    monkeypatch.setattr(ModelCache, "free_bytes", lambda self: 64 << 20)
    with pytest.raises(JobError, match=r"1\.0 MB are needed") as caught:
        check_room(model_cache, pending())

    assert (caught.value.error.code, caught.value.exit_code) == ("disk_full", 6)
    assert str(model_cache.root) in caught.value.error.detail


@pytest.mark.parametrize(
    ("found", "patterns", "code"),
    [
        ({"needs_consent": True}, (), "hub_pickle"),
        ({}, ("x*",), "hub_no_file"),
        ({"formats": ("tflite",)}, (), "hub_no_model"),
    ],
)
def test_check_wanted_refuses_a_repository_without_files(
    found: dict[str, Any], patterns: tuple[str, ...], code: str
) -> None:
    result = HubModelResult(repo="a/b", revision="main", commit=COMMIT, **found)

    assert codes(lambda: check_wanted(result, HubRequest(repo="a/b", patterns=patterns))) == (code, 3)


def place_of(tmp_path: Path, **environment: str) -> Any:
    return hub_place(SimpleNamespace(paths=DataPaths(tmp_path)), environment)


def test_hub_place_follows_the_environment(tmp_path: Path) -> None:
    assert place_of(tmp_path).endpoint == "https://huggingface.co"
    assert place_of(tmp_path, HF_ENDPOINT="https://mirror.example/hf/").endpoint == "https://mirror.example/hf"
    assert place_of(tmp_path, HF_TOKEN="hf_x").look().token == "hf_x"
    assert place_of(tmp_path).look().token is None


@pytest.mark.parametrize(
    "text",
    ["ftp://x", "file:///etc", "hub.example", "https://", "https://u:p@hub", "https://hub?x=1", "https://hub#x", "https://h b", "https://hub:0",
     "https://[x", "https://hub:99999"],
)  # fmt: skip
def test_checked_endpoint_refuses_malformed_addresses(text: str) -> None:
    assert codes(lambda: checked_endpoint(text)) == ("bad_endpoint", 2)


def test_token_is_not_sent_unencrypted(tmp_path: Path) -> None:
    """Given an address without encryption, Then the token is not sent, unless it is this computer's."""
    open_place = place_of(tmp_path, HF_ENDPOINT="http://hub.example", HF_TOKEN="hf_x")
    assert open_place.look().token is None
    assert "not sent" in open_place.warning
    for address in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "https://hub.example"):
        assert place_of(tmp_path, HF_ENDPOINT=address, HF_TOKEN="hf_x").look().token == "hf_x"


@pytest.mark.parametrize("value", ["1", "true", "ON", "yes"])
def test_offline_mode(tmp_path: Path, value: str) -> None:
    assert codes(lambda: place_of(tmp_path, HF_HUB_OFFLINE=value).look()) == ("hub_offline", 6)
    assert not place_of(tmp_path, HF_HUB_OFFLINE="0").offline


def test_token_is_in_no_text(tmp_path: Path) -> None:
    place = place_of(tmp_path, HF_TOKEN="hf_secret")
    assert "hf_secret" not in f"{place!r} {place.look()!r}"

    caught = refusal(place_of, tmp_path, HF_TOKEN="two words")
    assert caught.exit_code == 3 and "two words" not in str(caught)


def test_certificate_paths_follow_the_environment() -> None:
    assert certificate_paths({}) == ()
    assert certificate_paths({"SSL_CERT_FILE": "/c/ca.pem", "SSL_CERT_DIR": ""}) == (Path("/c/ca.pem"),)
