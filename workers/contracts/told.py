"""Make messages of the texts and errors of the rooms that bundles copy; those rooms do not import this package."""

from workers.contracts.translation import Message


def told(said: object) -> str:
    """Return `Words` or an error with `words` as a message with the same template and facts, else its own text."""
    words = getattr(said, "words", said)
    template, facts = getattr(words, "template", ""), getattr(words, "facts", ())
    if isinstance(said, Message) or not template:
        return said if isinstance(said, str) else str(said)
    return Message.made(template, tuple(told(one) if isinstance(one, (str, Exception)) else one for one in facts))
