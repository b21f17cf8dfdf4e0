"""Open SmolLM2-135M-Instruct as GGUF: the file that its folder was made from, and one in blocks of 8 bits."""

import gguf_files
import pytest
from recording import RecordingContext

from workers.contracts.folder import read_model
from workers.infer import openvino
from workers.model_io.gguf.header import blocks, read_header
from workers.model_io.gguf.model import config_of, write_weights
from workers.pipeline.chats import answer
from workers.pipeline.pipeline import load_pipeline

pytestmark = [pytest.mark.models, pytest.mark.timeout(3600)]


@pytest.fixture
def source(real_models):
    return next(real_models.glob("P13*"))


def test_real_gguf_weights_equal_those_of_its_folder(source, tmp_path):
    import torch
    from safetensors.torch import load_file

    path = next(source.glob("*.gguf"))
    header = read_header(path, blocks())
    config = config_of(path, header)
    assert (config["num_hidden_layers"], config["rope_parameters"]["rope_theta"]) == (30, 100_000)
    write_weights(path, header, config, tmp_path, RecordingContext(work_dir=tmp_path))
    found, want = load_file(tmp_path / "model.safetensors"), load_file(source / "model.safetensors")
    assert found.keys() == want.keys()
    for name, tensor in want.items():
        # one was rounded to F16, the other to BF16
        torch.testing.assert_close(found[name].float(), tensor.float(), rtol=2**-7, atol=1e-6)


def test_real_gguf_in_8_bits_answers_paris(source, tmp_path, opened):
    path = tmp_path / "smollm2-Q8_0.gguf"
    gguf_files.write_gguf(source, path, "Q8_0")
    result, inner = opened(path)
    assert (result.info.format, result.info.license, result.artifact.precision) == ("gguf", "apache-2.0", "fp16")
    session = openvino.load(inner / read_model(inner).artifact.main, dict(result.artifact.settings), 2)
    text = "".join(answer(session, load_pipeline(inner).chat, "What is the capital of France?", max_new_tokens=16))
    session.close()
    assert "Paris" in text
