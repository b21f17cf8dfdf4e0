"""Column types that keep every value of ours exactly."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def decode_text(value: bytes) -> str:
    """Return the text that `AnyText` stored as these bytes; damaged bytes are escaped."""
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "backslashreplace")


class UtcTime(TypeDecorator[datetime]):
    """Microseconds since 1970 in UTC: sorts rightly and knows no time zones. Refuses times without a zone."""

    impl = Integer  # 64 bits in SQLite
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + int(value) * MICROSECOND


class PackedNumbers(TypeDecorator[frozenset[int]]):
    """A set of numbers of 64 bits each, little-endian, sorted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: frozenset[int] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else b"".join(number.to_bytes(8, "little") for number in sorted(value))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> frozenset[int] | None:
        if value is None:
            return None
        return frozenset(int.from_bytes(value[at : at + 8], "little") for at in range(0, len(value), 8))


class AnyText(TypeDecorator[str]):
    """Any Python text, names of files that are no valid Unicode too: those are kept as bytes in the same column."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None or value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
