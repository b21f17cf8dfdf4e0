"""Format numbers of bytes for people, as the workers do."""

from workers.contracts.measured.sizes import bytes_words

__all__ = ["bytes_words"]
