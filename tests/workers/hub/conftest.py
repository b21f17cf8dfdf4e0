"""Provide a fake hub with a few models, and the real client in this process."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from download_bench import Bench
from fakehub import FakeHub, write_repos
from recording import RecordingContext

from workers.contracts.hub import HubAccess

MODELS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "ann/pictures": (
        {
            "pipeline_tag": "image-classification",
            "library_name": "transformers.js",
            "tags": ["onnx", "license:apache-2.0"],
            "downloads": 900,
            "likes": 7,
            "safetensors": {"parameters": {"F32": 1000, "I64": 2}, "total": 1002},
        },
        {
            "README.md": b"---\nlicense: apache-2.0\n---\n# Pictures\n\nTells pictures apart.\n",
            "config.json": b'{"model_type": "resnet"}',
            "preprocessor_config.json": b"{}",
            "onnx/model.onnx": os.urandom(1_500_000),
            "onnx/model_quantized.onnx": b"small",
        },
    ),
    "ann/texts": (
        {
            "pipeline_tag": "text-classification",
            "tags": ["license:mit"],
            "downloads": 500,
            "cardData": {"license": "mit"},
        },
        {"README.md": b"# Texts", "config.json": b"{}", "model.safetensors": os.urandom(3000), "tokenizer.json": b"{}"},
    ),
    "bob/old": (
        {"pipeline_tag": "image-classification", "downloads": 100, "tags": ["license:other"]},
        {"config.json": b"{}", "pytorch_model.bin": b"\x80\x02pickled"},
    ),
    "bob/closed": ({"gated": "manual", "downloads": 50}, {"config.json": b"{}", "model.safetensors": b"x" * 100}),
    "eve/big": ({"downloads": 10}, {"config.json": b"{}", "model.safetensors": os.urandom(4_000_000)}),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repos(tmp_path_factory.mktemp("hub"), MODELS)


@pytest.fixture
def fake(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Start the hub; the client library forgets it afterwards."""
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        monkeypatch.setenv(name, "")
    with FakeHub(models) as hub:
        yield hub
    from huggingface_hub import close_session

    close_session()


@pytest.fixture
def ctx(tmp_path: Path) -> RecordingContext:
    return RecordingContext(tmp_path / "work")


@pytest.fixture
def access(fake: FakeHub) -> Callable[..., HubAccess]:
    """Return access data with short waits."""

    usual = {"endpoint": fake.endpoint, "timeout_s": 1.0, "retries": 2, "backoff_s": 0.01, "max_wait_s": 2.0}
    return lambda **more: HubAccess(**{**usual, **more})


@pytest.fixture
def bench(fake: FakeHub, access: Callable[..., HubAccess], tmp_path: Path) -> Bench:
    return Bench(fake, access, tmp_path)
