"""Classify where the host of a redirect lies: in the public network, in a private one, or on this computer.

A hub on the internet must not send this program to services that only this computer or its network can reach
(server-side request forgery), in whatever notation the address is written.
"""

import contextlib
import ipaddress
import socket
import unicodedata
from collections.abc import Iterator
from enum import IntEnum

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(IntEnum):
    """Range of computers that can reach an address, from many to few."""

    PUBLIC = 0
    PRIVATE = 1
    HERE = 2


_HERE = tuple(
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8")
)
"""Networks of this computer, including multicast and link-local addresses, where clouds serve a machine's own keys."""

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")
)
"""Private networks without 198.18.0.0/15, because some proxies resolve every name to an address in it."""

_NAT64, _COMPATIBLE = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96")
_DOTS = str.maketrans("。．｡", "...")


def reach_of(host: str) -> Reach:
    """Return the narrowest reach of all addresses of a host.

    A name that cannot be resolved counts as public: behind a proxy names are resolved there, and without one nothing
    can be reached by it.
    """
    return max((_reach(address) for address in _addresses(_plain(host))), default=Reach.PUBLIC)


def _plain(host: str) -> str:
    """Return a host as resolvers see it: no brackets, no dot at the end, no digits of other scripts."""
    text = unicodedata.normalize("NFKC", host.translate(_DOTS)).strip("[]").rstrip(".").lower()
    return text.partition("%")[0] if ":" in text else text


def _addresses(host: str) -> Iterator[IPAddress]:
    if host == "localhost" or host.endswith(".localhost"):
        yield ipaddress.IPv4Address(0x7F000001)
        return
    with contextlib.suppress(ValueError):
        yield ipaddress.ip_address(host)
        return
    with contextlib.suppress(OSError):  # 127.1, 2130706433, 0x7f.1 and 0177.0.0.1, as resolvers read them
        yield ipaddress.IPv4Address(socket.inet_aton(host))
        return
    with contextlib.suppress(OSError, UnicodeError):
        for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            yield ipaddress.ip_address(str(place[0]).partition("%")[0])


def _reach(address: IPAddress) -> Reach:
    address = _embedded(address) or address
    if any(address in network for network in _HERE):
        return Reach.HERE
    return Reach.PRIVATE if any(address in network for network in _PRIVATE) else Reach.PUBLIC


def _embedded(address: IPAddress) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to (RFC 4291, 3056, 4380, 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
