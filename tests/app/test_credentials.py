"""Tests of the token for the hub: where it is stored, which hub gets it, and that it is never shown."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.credentials import checked_token, find_token, forget_token, knows_token, save_token
from app.paths import DataFolderUnusable
from workers.contracts.errors import InputRefused

HUB, OTHER, TOKEN = "https://hub.example", "https://other.example", "hf_secret123"


class Safe(KeyringBackend):
    """A keyring in memory; `locked` means that its owner refused to unlock it."""

    priority = 5.0
    viable = False  # keyring chooses it for no other test

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.n_reads = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.n_reads += 1
        if self.locked:
            raise KeyringLocked("no")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("no")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


class Plain(Safe):
    """A keyring that reports itself as unprotected."""

    priority = 0.5


@pytest.fixture
def safe() -> Iterator[Safe]:
    before, made = keyring.get_keyring(), Safe()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring() -> Iterator[None]:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


def test_token_of_the_environment_comes_first(
    tmp_path: Path, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_token(tmp_path, HUB, "hf_kept")
    assert find_token(tmp_path, HUB, {"HF_TOKEN": f" {TOKEN}\n"}) == TOKEN
    monkeypatch.setitem(os.environ, "HF_TOKEN", TOKEN)
    assert find_token(tmp_path, HUB) == TOKEN


def test_token_is_stored_in_the_keyring(tmp_path: Path, safe: Safe) -> None:
    """Given a keyring, then it holds the token, and no file does."""
    assert save_token(tmp_path, HUB, TOKEN) == "keyring"

    assert find_token(tmp_path, HUB, {}) == TOKEN
    assert TOKEN not in (tmp_path / "token.json").read_text()
    assert knows_token(tmp_path, HUB, {}) == "keyring"


def test_token_is_stored_in_a_private_file_without_a_keyring(tmp_path: Path, no_keyring: None) -> None:
    """Given no keyring, then a file that only its owner can read holds the token."""
    assert save_token(tmp_path / "new", HUB, TOKEN) == "file"

    path = tmp_path / "new" / "token.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert find_token(tmp_path / "new", HUB, {}) == TOKEN


@pytest.mark.parametrize("locked", [True, False])
def test_locked_or_weak_keyring_is_not_used(tmp_path: Path, safe: Safe, locked: bool) -> None:
    if locked:
        safe.locked = True
    else:
        keyring.set_keyring(Plain())

    assert save_token(tmp_path, HUB, TOKEN) == "file"
    assert find_token(tmp_path, HUB, {}) is not None


def test_keyring_is_read_only_if_it_holds_a_token(tmp_path: Path, safe: Safe) -> None:
    """Given a user who never logged in, then the keyring is not opened."""
    assert find_token(tmp_path, HUB, {}) is None
    assert safe.n_reads == 0


def test_token_is_none_if_the_keyring_is_locked_or_emptied(tmp_path: Path, safe: Safe) -> None:
    save_token(tmp_path, HUB, TOKEN)
    safe.locked = True
    assert find_token(tmp_path, HUB, {}) is None
    safe.locked = False
    safe.kept.clear()
    assert find_token(tmp_path, HUB, {}) is None


def test_token_is_only_for_its_hub_and_its_file_only_for_its_owner(tmp_path: Path, no_keyring: None) -> None:
    save_token(tmp_path, HUB, TOKEN)
    (tmp_path / "token.json").chmod(0o644)
    assert find_token(tmp_path, OTHER, {}) is None and find_token(tmp_path, f"{HUB}:8443", {}) is None
    assert (tmp_path / "token.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"https://hub.example": 5}', '{"https://hub.example": {"token": "a b"}}', "[" * 9000]
)
def test_damaged_file_has_no_token(tmp_path: Path, content: str, no_keyring: None) -> None:
    (tmp_path / "token.json").write_text(content)
    assert find_token(tmp_path, HUB, {}) is None

    save_token(tmp_path, HUB, TOKEN)
    assert find_token(tmp_path, HUB, {}) is not None


def test_link_instead_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps({HUB: {"kept": "file", "token": TOKEN}}))
    (tmp_path / "token.json").symlink_to(tmp_path / "elsewhere")

    assert find_token(tmp_path, HUB, {}) is None


@pytest.mark.parametrize("is_lost", [False, True])
def test_forgotten_token_is_gone_although_the_keyring_may_have_lost_it(
    tmp_path: Path, safe: Safe, is_lost: bool
) -> None:
    save_token(tmp_path, HUB, TOKEN)
    if is_lost:
        safe.kept.clear()
    assert forget_token(tmp_path, HUB) and not forget_token(tmp_path, HUB)
    assert safe.kept == {} and find_token(tmp_path, HUB, {}) is None


@pytest.mark.parametrize("text", ["", "  ", "two words", "hf_x\nEvil: header", "hf_ü", "hf_x\0", "x" * 501])
def test_invalid_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InputRefused) as caught:
        checked_token(text)

    assert caught.value.exit_code == 3
    assert not text.strip() or text.strip() not in f"{caught.value} {caught.value.detail} {caught.value.hint}"


def test_unwritable_folder_is_reported(tmp_path: Path, no_keyring: None) -> None:
    (tmp_path / "hub").write_text("a file")
    with pytest.raises(DataFolderUnusable):
        save_token(tmp_path / "hub", HUB, TOKEN)
