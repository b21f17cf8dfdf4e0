"""Write dialogues as people do, instead of the JSON that programs use."""

from workers.contracts.translation import mark
from workers.pipeline.chats import messages_of

SPEAKERS = {"user": mark("You"), "assistant": mark("Model"), "system": mark("Beforehand")}


def written(text: str) -> str:
    """Return a dialogue in JSON as one line for each message, with its speaker; any other text stays as it is."""
    messages = messages_of(text)
    if messages[0]["content"] == text:
        return text
    return "\n".join(f"{SPEAKERS.get(one['role'], one['role'])}: {one['content'].strip()}" for one in messages)


def in_one_line(text: str) -> str:
    """Return the messages of a dialogue on one line, without speakers; any other text on one line."""
    return " ".join(" – ".join(one["content"] for one in messages_of(text)).split())
