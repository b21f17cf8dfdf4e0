"""Models as far as data need them."""

import pytest
from tiny_llama import write_tokenizer

from workers.contracts.pipeline import write_pipeline
from workers.model_io.readers.language_model import _spec
from workers.pipeline.spec import Chat


@pytest.fixture
def model(tmp_path):
    """The folder of a chat model as far as data need it."""
    folder = tmp_path / "model"
    folder.mkdir()
    size = write_tokenizer(folder)
    spec = _spec(Chat(context=512, template="chat_template.jinja"), size)
    write_pipeline(folder, spec)
    return folder
