"""The language model's bundles: the service by the usual client of chats, and what each other target says."""

from collections.abc import Iterator

import openai
import pytest
from exported_models import ONNX_ONLY, Optimized, manifest, run_chat
from served_bundles import start, stop

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]
QUESTION = "What is the capital of France?"
WORDS = 24
MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(chat: Optimized) -> Iterator[openai.OpenAI]:
    running = start(chat.bundle("service"))
    made = openai.OpenAI(base_url=f"http://{running.address}/v1", api_key="none is needed", max_retries=0, timeout=600)
    yield made
    made.close()
    code, said = stop(running)
    assert code == 0, said


def test_the_openai_client_streams_what_chat_py_says(
    chat: Optimized, client: openai.OpenAI, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given the served chat model, when it is asked whole and as a stream, then both are what chat.py of the Python folder
    answers, in pieces as it comes, with its usage told."""
    name = client.models.list().data[0].id
    how = {"model": name, "messages": MESSAGES, "max_tokens": WORDS, "temperature": 0}
    whole = client.chat.completions.create(**how)
    pieces = list(client.chat.completions.create(stream=True, **how))
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    with capsys.disabled():
        print(f"\n{chat.case.name}: {streamed!r} in {len(pieces)} pieces, {whole.usage}")  # noqa: T201
    assert streamed == whole.choices[0].message.content == run_chat(chat.bundle("python"), QUESTION, WORDS)
    assert len(pieces) > 3 and 1 <= whole.usage.completion_tokens <= WORDS
    assert "paris" in streamed.lower()


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
