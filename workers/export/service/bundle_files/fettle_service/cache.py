"""Answers that are kept for requests that come again: the latest used ones, bounded by their bytes."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Cache:
    """`most_bytes` 0 keeps nothing. Several threads may ask."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.size_bytes, self.hits, self.misses = most_bytes, 0, 0, 0
        self._kept: OrderedDict[bytes, Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, release: str, feeds: Mapping[str, NDArray[Any]]) -> bytes:
        """The same for the same arrays asked of the same release; b"" where nothing is kept."""
        if not self.most_bytes:
            return b""
        digest = hashlib.blake2b(release.encode(), digest_size=32)
        for name, values in sorted(feeds.items()):
            digest.update(f"\0{name}\0{values.dtype.str}{values.shape}\0".encode())
            digest.update(values.tobytes())
        return digest.digest()

    def get(self, key: bytes) -> Arrays | None:
        """What was kept, and counts whether there was something."""
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
        """Keeps it, and lets go of those that were not asked for longest."""
        size = _bytes(outputs)
        if not key or size > self.most_bytes:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = {name: values.copy() for name, values in outputs.items()}  # a part may hold a whole batch
            self.size_bytes += size
            while self.size_bytes > self.most_bytes:
                self.size_bytes -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(outputs: Mapping[str, NDArray[Any]]) -> int:
    return 512 + sum(values.nbytes for values in outputs.values())
