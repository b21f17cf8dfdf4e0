"""Numbers of bytes for people, as the workers say them."""

from workers.contracts.measured.sizes import bytes_words

__all__ = ["bytes_words"]
