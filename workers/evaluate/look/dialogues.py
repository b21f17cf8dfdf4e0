"""What is said in a dialogue, as people write it down: its JSON is for programs."""

from workers.pipeline.chats import messages_of

SPEAKERS = {"user": "You", "assistant": "Model", "system": "Beforehand"}


def written(text: str) -> str:
    """A line for each message of a dialogue in JSON, with who says it; any other text as it is."""
    messages = messages_of(text)
    if messages[0]["content"] == text:
        return text
    return "\n".join(f"{SPEAKERS.get(one['role'], one['role'])}: {one['content'].strip()}" for one in messages)


def in_one_line(text: str) -> str:
    """What is said in a dialogue, one after the other without who says it; any other text on one line."""
    return " ".join(" – ".join(one["content"] for one in messages_of(text)).split())
