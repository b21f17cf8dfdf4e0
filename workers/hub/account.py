"""Find out to which account a token belongs."""

from workers.hub import words
from workers.hub.client import Hub
from workers.hub.rows import text_of


def whoami(hub: Hub) -> str:
    """Return the account's name.

    Raises:
        WorkerError: the hub cannot be used.
        InputRefused: the hub does not know the token.
    """
    answer, _ = hub.call("", lambda: hub.document("/api/whoami-v2", {}))
    name = text_of(answer.get("name")) if isinstance(answer, dict) else None
    if name is None:
        raise words.garbage(hub.endpoint, "no name")
    return name
