"""The language model's bundles: the service by the usual client of chats, and what each other target says."""

import pytest
from exported_models import ONNX_ONLY, Optimized, manifest

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]


def test_its_bundles_hold_the_optimized_version(chat: Optimized) -> None:
    """Given both bundles, then they hold the version in 8 bits, and verify."""
    for target in ("python", "service"):
        done, folder = chat.written(target)
        assert done.document["variant"] == chat.version("openvino")["id"]
        assert manifest(folder)["model"]["precision"].startswith("int8")
        assert chat.fettle("verify", chat.folder / f"{target}.zip", timeout_s=900).code == 0


@pytest.mark.parametrize("target", ONNX_ONLY)
def test_what_a_chat_does_not_go_into_says_why(chat: Optimized, target: str) -> None:
    """Given a target that takes plain ONNX alone, then the refusal's code, and words that name the way out."""
    done = chat.export(target, chat.version("openvino")["id"])
    assert (done.code, done.error["code"]) == (3, "version_not_for_target")
    assert "Python folder" in done.error["hint"]
