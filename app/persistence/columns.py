"""Define column types that store every value exactly."""

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
    """A time as microseconds since 1970 in UTC, which sorts correctly; times without a zone are refused."""

    impl = Integer  # 64 bits in SQLite
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds of a time."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the time of stored microseconds, None for what is none: a record that needs it is then refused."""
        try:
            return None if value is None else EPOCH + int(value) * MICROSECOND
        except (ValueError, TypeError, OverflowError):
            return None


class PackedNumbers(TypeDecorator[frozenset[int]]):
    """A set of 64-bit numbers, stored sorted and little-endian."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: frozenset[int] | None, dialect: Dialect) -> bytes | None:
        """Return the packed bytes of a set."""
        return None if value is None else b"".join(number.to_bytes(8, "little") for number in sorted(value))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> frozenset[int] | None:
        """Return the set of packed bytes, None for what is none."""
        if not isinstance(value, bytes):
            return None
        return frozenset(int.from_bytes(value[at : at + 8], "little") for at in range(0, len(value), 8))


class AnyText(TypeDecorator[str]):
    """Any Python text; file names that are not valid Unicode are stored as bytes in the same column."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Return the text, or its bytes if it is not valid Unicode."""
        if value is None or value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the text of a stored value."""
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
