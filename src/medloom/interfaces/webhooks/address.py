"""Where a webhook may go: to public addresses only, looked at when it is saved and at every connect.

A name is resolved once, every address it has is judged, and the connection goes to an address that was
judged: a name that changes its answer in between (DNS rebinding) gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Prefixes that carry an IPv4 address inside: NAT64, 6to4, Teredo. Nobody's receiver lives there.
_TUNNELS = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class AddressRefused(ValueError):
    """The address may not be called; `code` is stable."""

    def __init__(self, code: str, expected: str = "", got: str = "") -> None:
        super().__init__(f"{code}: {got}")
        self.code, self.expected, self.got = code, expected, got


@dataclass(frozen=True)
class Target:
    """An address taken apart."""

    secure: bool
    host: str
    port: int
    path: str


def target_of(url: str) -> Target:
    """Take an address apart. Raises AddressRefused for anything but plain http and https."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise AddressRefused("address_wrong", "https://host/path", url[:100]) from None
    host = parts.hostname or ""
    odd = (
        parts.username is not None
        or parts.fragment
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    )
    if parts.scheme not in ("http", "https") or not host or odd or len(url) > 500:
        raise AddressRefused("address_wrong", "https://host/path", url[:100])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path)


def public(address: Address) -> bool:
    """Whether an address is one of the open internet."""
    inside = getattr(address, "ipv4_mapped", None)
    if inside is not None:
        return public(inside)
    tunnelled = any(address in net for net in _TUNNELS if net.version == address.version)
    # fec0::/10 is an inner network of old that Python takes for a global one
    inner = getattr(address, "is_site_local", False)
    return address.is_global and not (address.is_multicast or address.is_reserved or inner or tunnelled)


def judged(target: Target, permitted: Sequence[Network] = ()) -> list[str]:
    """The addresses of a host that may be called, all of which were judged. Raises AddressRefused.

    `permitted` are networks of the operator's own that may be called all the same, without TLS too.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("address_unknown", "a host that exists", target.host) from None
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    own = [any(a in net for net in permitted if net.version == a.version) for a in addresses]
    for address, ours in zip(addresses, own, strict=True):
        if not ours and not public(address):
            raise AddressRefused("address_internal", "an address of the open internet", target.host)
    if not target.secure and not all(own):
        raise AddressRefused("address_plain", "https", target.host)
    return list(dict.fromkeys(str(address) for address in addresses))


def networks(texts: Sequence[str]) -> list[Network]:
    """The networks that the operator permits."""
    return [ipaddress.ip_network(text) for text in texts]
