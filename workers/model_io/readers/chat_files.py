"""Read how dialogues work from the files beside a language model: template, special and end tokens."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workers.contracts.pipeline import checked
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.model_io.readers.neighbors import is_plain, read_dict
from workers.model_io.words import refuse, shown
from workers.pipeline.chats import ChatTexts
from workers.pipeline.spec import Chat, PipelineError

TEMPLATE = "chat_template.jinja"
SPECIALS = ("bos_token", "eos_token", "pad_token", "unk_token")
MOST_TEMPLATE_BYTES = 1_000_000
RENDER_S = 5.0
USUAL_CONTEXT = 2048
DIALOGUE = "The capital of France is Paris, and the capital of Italy is Rome."


def template_of(folder: Path) -> str:
    """Return the jinja template of a folder from its own file or from tokenizer_config.json; "" for none."""
    file = folder / TEMPLATE
    if is_plain(file) and file.stat().st_size <= MOST_TEMPLATE_BYTES:
        return file.read_text(encoding="utf-8", errors="replace")
    template = read_dict(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(template, list):  # several templates by name
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default") or next(iter(named.values()), None)
    return template if isinstance(template, str) else ""


def chat_of(folder: Path, config: Mapping[str, Any]) -> Chat:
    """Return how dialogues are encoded, according to the folder's files."""
    more, tokens = (read_dict(folder / f"{name}_config.json") for name in ("generation", "tokenizer"))
    ends = more.get("eos_token_id", config.get("eos_token_id"))
    listed = ends if isinstance(ends, list) else [ends]
    limits = (config.get("max_position_embeddings"), config.get("n_positions"))
    chat = Chat(
        template=TEMPLATE if template_of(folder) else None,
        specials={name: text for name in SPECIALS if (text := _token(tokens.get(name)))},
        ends=tuple(end for end in listed if isinstance(end, int) and not isinstance(end, bool)),
        context=next((limit for limit in limits if isinstance(limit, int) and limit > 1), USUAL_CONTEXT),
    )
    return checked(chat)


def checked_chat(folder: Path, open_texts: Callable[[], ChatTexts], vocabulary: int, ctx: JobContext) -> dict[str, Any]:
    """Encode a sentence for the model to check its template and tokenizer.

    Raises:
        InputRefused: the template or the tokenizer is unusable.
    """
    try:
        with ctx.time_limit(RENDER_S, mark("trying its chat template")):
            texts = open_texts()
            feeds, prompt = texts.feeds(DIALOGUE), texts.prompt("Hello")
    except PipelineError as error:
        raise refuse(
            "bad_template",
            "The model's chat template cannot be used",
            f"{folder.name}: {shown(error, 300)}",
            "Ask its author for a folder with a sound chat_template.jinja.",
        ) from error
    highest = max(int(feeds["input_ids"].max()), int(prompt.max(initial=0)))
    if highest >= vocabulary:
        raise refuse(
            "other_tokenizer",
            "The tokenizer is another model's",
            _("The tokenizer.json of {0} gives the token {1:,}, and the model knows {2:,}.").format(
                folder.name, highest, vocabulary
            ),
            "Download the whole folder again, so that tokenizer and weights are of one model.",
        )
    return feeds


def _token(value: Any) -> str:
    found = value.get("content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""
