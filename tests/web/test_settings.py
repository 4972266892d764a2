"""The settings of the service: what they may say, and the address to listen on."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from lodeline.node.events.reading import CheckDigits
from lodeline.node.workspace import FileUnreadable
from lodeline.web.serving import AddressWrong, Listen, listen_at
from lodeline.web.settings import WebSettings, WebSettingsMalformed, read_settings


def test_the_page_shows_settings_that_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
    file = tmp_path / "serve.toml"
    file.write_text(page.partition("```toml\n")[2].partition("```")[0], "utf-8")
    found = read_settings(file)
    assert found.company_prefixes == ("9521234",)
    assert (found.capture, found.rate) == (WebSettings().capture, WebSettings().rate)
    assert "{serial}" in found.links["gs1:pip"]


def test_without_a_file_they_are_the_usual_ones(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "serve.toml") == WebSettings()


def test_everything_can_be_set(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(
        """
        public_url = "https://node.example/epcis/"
        company_prefixes = ["4012345"]
        capture_events = 100
        capture_bytes = 1000000
        check_digits = "accept"
        max_uri_bytes = 4000
        threads = 4
        burst = 10
        per_second = 5
        anchor_hours = 0
        webhook_networks = ["10.20.0.0/16", "fd00::/8"]
        proxies = ["127.0.0.1", "10.0.0.0/8"]
        traces = "http://127.0.0.1:4318/v1/traces"
        [links]
        "gs1:pip" = "https://shop.example/{gtin}"
        """
    )
    found = read_settings(file)
    assert found.public_url == "https://node.example/epcis"
    assert (found.capture.events, found.capture.bytes) == (100, 1_000_000)
    assert found.capture.check_digits is CheckDigits.ACCEPT
    assert (found.rate.burst, found.rate.per_second, found.threads) == (10, 5, 4)
    assert found.company_prefixes == ("4012345",)
    assert found.links == {"gs1:pip": "https://shop.example/{gtin}"}
    assert found.destinations.networks == (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert found.proxies == ("127.0.0.1/32", "10.0.0.0/8")
    assert found.anchor_hours == 0
    assert found.traces == "http://127.0.0.1:4318/v1/traces"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("colour = 1", "colour"),
        ('check_digits = "ignore"', "check_digits"),
        ("check_digits = true", "check_digits"),
        ('check_digits = ["accept"]', "check_digits"),
        ('public_url = "node.example"', "public_url"),
        ('public_url = "https://user@node.example"', "public_url"),
        ("public_url = 1", "public_url"),
        ('company_prefixes = "4012345"', "company_prefixes"),
        ('company_prefixes = ["40"]', "company_prefixes"),
        ("threads = 0", "threads"),
        ("threads = 17", "threads"),
        ("threads = true", "threads"),
        ("burst = 1.5", "burst"),
        ("anchor_hours = -1", "anchor_hours"),
        ("anchor_hours = 8761", "anchor_hours"),
        ('webhook_networks = "10.0.0.0/8"', "webhook_networks"),
        ('webhook_networks = ["10.0.0.1/8"]', "webhook_networks"),
        ("webhook_networks = [10]", "webhook_networks"),
        ("capture_events = 20001", "capture_events"),
        ('webhook_networks = ["10.20.0.1/16"]', "webhook_networks"),
        ("webhook_networks = [1]", "webhook_networks"),
        ('proxies = ["proxy.internal"]', "proxies"),
        ('links = ["a"]', "links"),
        ('[links]\n"pip" = "https://x"', "links.pip"),
        ('[links]\n"gs1:pip" = "https://x/{0.__class__}"', "links.gs1:pip"),
        ('[links]\n"gs1:pip" = 1', "links.gs1:pip"),
    ],
)
def test_what_is_no_setting_is_refused(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(text)
    with pytest.raises(WebSettingsMalformed) as refused:
        read_settings(file)
    assert refused.value.key == key


def test_what_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text("a = = b")
    with pytest.raises(WebSettingsMalformed):
        read_settings(file)
    file.write_bytes(b"\xff")
    with pytest.raises(FileUnreadable):
        read_settings(file)


@pytest.mark.parametrize(
    ("text", "listen", "url"),
    [
        ("127.0.0.1:8080", Listen("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("[::1]:0", Listen("::1", 0), "http://[::1]:0"),
        ("localhost:80", Listen("localhost", 80), "http://localhost:80"),
    ],
)
def test_an_address_is_read(text: str, listen: Listen, url: str) -> None:
    assert listen_at(text) == listen
    assert listen.url == url


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host", "host:", "host:x", "host:65536"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressWrong) as refused:
        listen_at(text)
    assert refused.value.text == text
