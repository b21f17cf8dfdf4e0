"""Cache predictions of repeated requests: the most recently used ones, limited by their size."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Cache:
    """Cache of one service; safe for several threads."""

    def __init__(self, most_bytes: int) -> None:
        """Create a cache of at most `most_bytes`; 0 caches nothing."""
        self.most_bytes, self.size_bytes, self.hits, self.misses = most_bytes, 0, 0, 0
        self._kept: OrderedDict[bytes, Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, release: str, feeds: Mapping[str, NDArray[Any]]) -> bytes:
        """Return a key that is equal for equal arrays and the same release; b"" if nothing is cached."""
        if not self.most_bytes:
            return b""
        digest = hashlib.blake2b(release.encode(), digest_size=32)
        for name, values in sorted(feeds.items()):
            digest.update(f"\0{name}\0{values.dtype.str}{values.shape}\0".encode())
            digest.update(values.tobytes())
        return digest.digest()

    def get(self, key: bytes) -> Arrays | None:
        """Return the cache entry, or None, and count the hit or miss."""
        if not key:
            return None
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                self.misses += 1
            else:
                self.hits += 1
                self._kept.move_to_end(key)
            return found

    def put(self, key: bytes, outputs: Arrays) -> None:
        """Add an entry and remove the least recently used ones."""
        size = _bytes(outputs)
        if not key or size > self.most_bytes:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = {name: values.copy() for name, values in outputs.items()}  # a view would keep its batch
            self.size_bytes += size
            while self.size_bytes > self.most_bytes:
                self.size_bytes -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(outputs: Mapping[str, NDArray[Any]]) -> int:
    return 512 + sum(values.nbytes for values in outputs.values())
