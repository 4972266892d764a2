"""Settings of the HTTP service: limits, and what the company says of its products.

They are read from ``serve.toml`` in the folder of the node, which may be missing:

    public_url = "https://node.example.com"
    company_prefixes = ["9521234"]
    webhook_networks = ["10.20.0.0/16"]
    [links]
    "gs1:pip" = "https://www.example.com/products/{gtin}"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar, Final

from lodeline.exchange.epcis.value import MAX_DOCUMENT_BYTES, MAX_EVENTS
from lodeline.kernel.errors import LodelineError
from lodeline.node.events.destinations import DestinationRules, Network
from lodeline.node.events.reading import CaptureLimits, CheckDigits
from lodeline.node.workspace import FileUnreadable

__all__ = [
    "SETTINGS_FILE",
    "CompanyPrefix",
    "RequestRate",
    "WebSettings",
    "WebSettingsMalformed",
    "read_settings",
]

SETTINGS_FILE: Final = "serve.toml"
"""Name of the settings in the folder of the node; without it there are the usual ones."""

CompanyPrefix = str
"""Digits that GS1 gave to a company: 6 to 12."""

_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?", re.ASCII)
_PREFIX: Final = re.compile(r"[0-9]{6,12}", re.ASCII)
_LINK_TYPE: Final = re.compile(r"gs1:[A-Za-z0-9]{1,40}|https?://\S+", re.ASCII)
_PLACES: Final = re.compile(r"\{([^{}]*)\}")
_PLACE_NAMES: Final = frozenset({"key", "value", "serial", "lot", "gtin"})
_NO_LINKS: Final[Mapping[str, str]] = {}


class WebSettingsMalformed(LodelineError):
    """``serve.toml`` says something else than it can."""

    code: ClassVar[str] = "web-settings-malformed"
    en: ClassVar[str] = "in {file}, “{key}” is not a setting or has no value that it can have"
    fr: ClassVar[str] = "dans {file}, « {key} » n'est pas un réglage ou n'a pas une valeur permise"
    advice_en: ClassVar[str] = "see docs/serving.md for the settings there are"
    advice_fr: ClassVar[str] = "voyez docs/serving.md pour les réglages qui existent"

    file: str
    key: str


@dataclass(frozen=True, slots=True)
class RequestRate:
    """How often one caller, or one address, may ask: in bursts, and over time."""

    burst: int = 2_000
    """Requests at once."""
    per_second: int = 500
    """Requests that come back to the burst each second."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the service allows, and whose products it resolves."""

    public_url: str = ""
    """Where clients reach the node, without a closing slash; empty: as they address it."""
    capture: CaptureLimits = field(default_factory=CaptureLimits)
    max_uri_bytes: int = 16 * 1024
    threads: int = 16
    """Requests that are worked on at a time; each has at most one connection to the store."""
    rate: RequestRate = field(default_factory=RequestRate)
    company_prefixes: tuple[CompanyPrefix, ...] = ()
    """Whose keys are this company's own: the resolver answers for these alone."""
    links: Mapping[str, str] = field(default_factory=lambda: _NO_LINKS)
    """Templates of links to what is known of a product, by type of link (``gs1:pip``)."""
    traces: str = ""
    """Collector of traces (OTLP over HTTP); empty: none are made."""
    destinations: DestinationRules = field(default_factory=DestinationRules)
    """Networks of the company's own that subscriptions may report to (``webhook_networks``)."""
    proxies: tuple[str, ...] = ()
    """Networks of the proxies in front, which are believed when they say for whom they ask."""
    anchor_hours: int = 24
    """Between two anchors of the audit trail, where events are brought to the ledger; 0: never."""


def read_settings(file: Path) -> WebSettings:
    """Return the settings of a file; the usual ones where there is none.

    Raises:
        FileUnreadable: it cannot be read.
        WebSettingsMalformed: it is no TOML, or says something that is no setting.
    """
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return WebSettings()
    except (OSError, UnicodeDecodeError) as failed:
        raise FileUnreadable(str(file), type(failed).__name__) from failed
    try:
        return _settings(str(file), tomllib.loads(text))
    except tomllib.TOMLDecodeError as failed:
        raise WebSettingsMalformed(str(file), str(failed)) from failed


def _settings(file: str, found: Mapping[str, object]) -> WebSettings:
    usual = WebSettings()
    numbers = {
        "capture_events": (usual.capture.events, MAX_EVENTS),
        "capture_bytes": (usual.capture.bytes, MAX_DOCUMENT_BYTES),
        "max_uri_bytes": (usual.max_uri_bytes, 64 * 1024),
        "threads": (usual.threads, 16),
        "burst": (usual.rate.burst, 1_000_000),
        "per_second": (usual.rate.per_second, 1_000_000),
    }
    known = {
        *numbers,
        "public_url",
        "company_prefixes",
        "links",
        "traces",
        "webhook_networks",
        "proxies",
        "check_digits",
        "anchor_hours",
    }
    for key in found:
        if key not in known:
            raise WebSettingsMalformed(file, key)
    number = {
        key: _number(file, key, found.get(key, default), most)
        for key, (default, most) in numbers.items()
    }
    return WebSettings(
        _url(file, "public_url", found.get("public_url", "")),
        CaptureLimits(
            number["capture_events"],
            number["capture_bytes"],
            _check_digits(file, found.get("check_digits", CheckDigits.REFUSE.value)),
        ),
        number["max_uri_bytes"],
        number["threads"],
        RequestRate(number["burst"], number["per_second"]),
        _prefixes(file, found.get("company_prefixes", [])),
        _links(file, found.get("links", {})),
        _url(file, "traces", found.get("traces", "")),
        DestinationRules(_networks(file, "webhook_networks", found.get("webhook_networks", []))),
        tuple(map(str, _networks(file, "proxies", found.get("proxies", [])))),
        _number(file, "anchor_hours", found.get("anchor_hours", usual.anchor_hours), 8_760, 0),
    )


def _number(file: str, key: str, value: object, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise WebSettingsMalformed(file, key)
    return value


def _check_digits(file: str, value: object) -> CheckDigits:
    if not isinstance(value, str) or value not in set(CheckDigits):
        raise WebSettingsMalformed(file, "check_digits")
    return CheckDigits(value)


def _url(file: str, key: str, value: object) -> str:
    if not isinstance(value, str) or (value and _URL.fullmatch(value) is None):
        raise WebSettingsMalformed(file, key)
    return value.rstrip("/")


def _prefixes(file: str, value: object) -> tuple[CompanyPrefix, ...]:
    if not isinstance(value, list):
        raise WebSettingsMalformed(file, "company_prefixes")
    for prefix in value:
        if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None:
            raise WebSettingsMalformed(file, "company_prefixes")
    return tuple(value)


def _networks(file: str, key: str, value: object) -> tuple[Network, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise WebSettingsMalformed(file, key)
    try:
        return tuple(ip_network(each) for each in value)
    except ValueError:
        raise WebSettingsMalformed(file, key) from None


def _links(file: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise WebSettingsMalformed(file, "links")
    links: dict[str, str] = {}
    for kind, template in value.items():
        places = _PLACES.findall(template) if isinstance(template, str) else ["?"]
        if _LINK_TYPE.fullmatch(kind) is None or not _PLACE_NAMES.issuperset(places):
            raise WebSettingsMalformed(file, f"links.{kind}")
        links[kind] = template
    return links
