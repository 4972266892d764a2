"""Where reports may go: an attacker who may subscribe tries to reach what only the node can."""

from ipaddress import ip_address, ip_network

import pytest

from lodeline.node.events.destinations import (
    Address,
    DestinationRules,
    check_literal,
    checked_address,
    parse_destination,
    system_addresses,
)
from lodeline.node.events.subscription_refusals import (
    DestinationForbidden,
    DestinationMalformed,
    DestinationPlain,
    DestinationUnknown,
)

PUBLIC = "93.184.216.34"
NOTHING = DestinationRules()
OFFICE = DestinationRules((ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")))


def named(*addresses: str) -> "Named":
    return Named([ip_address(each) for each in addresses])


class Named:
    """A name service that gives what a test says, and counts how often it was asked."""

    def __init__(self, addresses: list[Address]) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.append((host, port))
        return self.addresses


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://client.example.com/hook", "client.example.com", 443, "/hook", None),
        ("https://client.example.com:8443", "client.example.com", 8443, "/", ":8443"),
        ("https://Client.Example.com/?a=b", "client.example.com", 443, "/?a=b", None),
        ("https://[2606:4700::1]:444/x", "2606:4700::1", 444, "/x", "[2606:4700::1]:444"),
        ("http://10.1.2.3/x", "10.1.2.3", 80, "/x", None),
    ],
)
def test_the_parts_of_a_destination(
    url: str, host: str, port: int, target: str, authority: str | None
) -> None:
    found = parse_destination(url)
    assert (found.host, found.port, found.target) == (host, port, target)
    assert found.authority.endswith(authority or host)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme"),
        ("//example.com/", "scheme"),
        ("https://user:secret@example.com/", "user"),
        ("https://example.com@127.0.0.1/", "user"),
        ("https://example.com/#top", "fragment"),
        ("https:///x", "host"),
        ("https://exa mple.com/", "characters"),
        ("https://example.com/\r\nHost: internal", "characters"),
        ("https://example.com\\@127.0.0.1/", "characters"),
        ("https://exämple.com/", "characters"),
        ("https://example.com:0/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:99999/", "host"),
        ("https://[::1/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://2130706433/", "host"),
        ("https://0x7f000001/", "host"),
        ("https://0x7f.1/", "host"),
        ("https://127.1/", "host"),
        ("https://0177.0.0.1/", "host"),
        ("https://a..example.com/", "host"),
        ("https://" + "a" * 3_000 + ".com/", "length"),
    ],
)
def test_urls_that_are_read_in_two_ways_are_refused(url: str, part: str) -> None:
    with pytest.raises(DestinationMalformed) as refused:
        parse_destination(url)
    assert refused.value.part == part


INNER = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused_as_they_are(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    destination = parse_destination(f"https://{host}/")
    for check in (
        lambda: check_literal(destination, NOTHING),
        lambda: checked_address(destination, NOTHING, named()),
    ):
        with pytest.raises(DestinationForbidden):
            check()


@pytest.mark.parametrize("address", INNER)
def test_names_of_inner_addresses_are_refused(address: str) -> None:
    with pytest.raises(DestinationForbidden) as refused:
        checked_address(parse_destination("https://evil.example/"), NOTHING, named(address))
    assert (refused.value.host, refused.value.address) == ("evil.example", str(ip_address(address)))


def test_one_inner_address_among_public_ones_is_enough() -> None:
    destination = parse_destination("https://evil.example/")
    with pytest.raises(DestinationForbidden):
        checked_address(destination, NOTHING, named(PUBLIC, "127.0.0.1"))


def test_a_public_host_is_resolved_once_and_its_address_is_the_one_used() -> None:
    names = named(PUBLIC, "2606:4700::1111")
    found = checked_address(parse_destination("https://good.example:8443/"), NOTHING, names)
    assert found == ip_address(PUBLIC)
    assert names.asked == [("good.example", 8443)]


def test_without_tls_only_networks_that_are_allowed_are_reached() -> None:
    plain = parse_destination("http://hook.example/")
    with pytest.raises(DestinationPlain):
        checked_address(plain, NOTHING, named(PUBLIC))
    with pytest.raises(DestinationPlain):
        checked_address(plain, OFFICE, named("10.1.2.3", PUBLIC))
    with pytest.raises(DestinationPlain):
        check_literal(plain, NOTHING)
    check_literal(plain, OFFICE)
    assert checked_address(plain, OFFICE, named("10.1.2.3")) == ip_address("10.1.2.3")


def test_networks_that_are_allowed_open_themselves_alone() -> None:
    destination = parse_destination("https://hook.example/")
    assert checked_address(destination, OFFICE, named("fd00:1::5")) == ip_address("fd00:1::5")
    for other in ("10.2.0.1", "fd00:2::1", "127.0.0.1"):
        with pytest.raises(DestinationForbidden):
            checked_address(destination, OFFICE, named(other))


def test_a_mapped_address_is_that_of_the_network() -> None:
    destination = parse_destination("https://hook.example/")
    found = checked_address(destination, OFFICE, named("::ffff:10.1.2.3"))
    assert found == ip_address("::ffff:10.1.2.3")


def test_a_host_without_an_address_is_unknown() -> None:
    with pytest.raises(DestinationUnknown) as refused:
        checked_address(parse_destination("https://gone.example/"), NOTHING, named())
    assert refused.value.host == "gone.example"


def test_the_name_service_of_the_machine_knows_literal_addresses() -> None:
    assert system_addresses("127.0.0.1", 80) == (ip_address("127.0.0.1"),)
    with pytest.raises(DestinationUnknown):
        system_addresses("a" * 70 + ".invalid", 80)
