"""Frames are read piece by piece, in Python's own format."""

import multiprocessing
import os
import struct
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from app.jobs.channel import BadFrameError, Channel, ChannelClosedError


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_the_format_is_that_of_multiprocessing(ends: tuple[Channel, Connection]) -> None:
    """Given messages of many sizes, Then what Python's connection sends arrives whole, and the other way round."""
    channel, theirs = ends
    assert channel.receive() is None
    for size in (0, 1, 16_383, 16_384, 100_000):
        theirs.send_bytes(b"x" * size)
        assert channel.receive() == b"x" * size
        channel.send(b"y" * size)
        assert theirs.recv_bytes() == b"y" * size


def test_a_part_of_a_message_waits_for_the_rest(ends: tuple[Channel, Connection]) -> None:
    channel, theirs = ends
    frame = struct.pack("!i", 5) + b"hello"
    for byte in frame[:-1]:
        os.write(theirs.fileno(), bytes([byte]))
        assert channel.receive() is None
    os.write(theirs.fileno(), frame[-1:] + frame)
    assert [channel.receive(), channel.receive(), channel.receive()] == [b"hello", b"hello", None]


def test_a_reader_that_does_not_read_blocks_nobody(ends: tuple[Channel, Connection]) -> None:
    """Given 10 MB for a reader that sleeps, Then send returns at once, and all arrives once it reads."""
    channel, theirs = ends
    channel.send(b"z" * 10_000_000)
    got = bytearray()
    while len(got) < 10_000_004:
        channel.flush()
        got += os.read(theirs.fileno(), 1 << 20)
    assert got[:4] == struct.pack("!i", 10_000_000)


def test_what_was_sent_before_the_end_is_handed_out(ends: tuple[Channel, Connection]) -> None:
    channel, theirs = ends
    theirs.send_bytes(b"last")
    theirs.close()
    assert channel.receive() == b"last"
    with pytest.raises(ChannelClosedError):
        channel.receive()
    with pytest.raises(ChannelClosedError):
        channel.send(b"x" * 1_000_000)


@pytest.mark.parametrize("length", [-1, -5, (64 << 20) + 1, 0x7FFFFFFF])
def test_a_length_that_cannot_be_is_refused(ends: tuple[Channel, Connection], length: int) -> None:
    channel, theirs = ends
    os.write(theirs.fileno(), struct.pack("!i", length))
    with pytest.raises(BadFrameError):
        channel.receive()
