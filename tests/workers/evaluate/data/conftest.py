"""Models as far as data need them."""

import pytest
from tiny_llama import write_tokenizer

from workers.contracts.pipeline import Chat
from workers.model_io.readers.language_model import _spec


@pytest.fixture
def model(tmp_path):
    """The folder of a chat model as far as data need it."""
    folder = tmp_path / "model"
    folder.mkdir()
    size = write_tokenizer(folder)
    spec = _spec(Chat(context=512, template="chat_template.jinja"), size)
    (folder / "pipeline.json").write_text(spec.model_dump_json())
    return folder
