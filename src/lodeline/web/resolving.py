"""The resolver of this company's own products: GS1 Digital Links to what is known of them.

It answers for keys that begin with a company prefix of the settings, and from the settings alone:
whether such a thing exists, or what happened to it, is never told to a stranger. What it leads to,
such as the events of a thing, asks who wants to know. Sources: ISO/IEC 18975:2024; GS1-Conformant
Resolver 1.1; linksets RFC 9264.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from starlette.responses import Response

from lodeline.exchange.gs1 import Gs1Key, read_link
from lodeline.exchange.gs1.key import CANONICAL_DOMAIN, LinkUri
from lodeline.exchange.gs1.schemes import BY_AI
from lodeline.web.asking import Outsider, segment
from lodeline.web.negotiation import chosen_media
from lodeline.web.operations import Answer, Open, Parameter, Place
from lodeline.web.refusals import AnswerFormRefused, LinkTypeUnknown, ProductUnknown
from lodeline.web.spelling import prefix_of

__all__ = ["OPERATIONS"]

LINKSET: Final = "application/linkset+json"
_VOCABULARY: Final = "https://gs1.org/voc/"
_DEFAULT: Final = "gs1:defaultLink"
_EPCIS: Final = "gs1:epcis"
_FORMS: Final = (LINKSET, "application/json", "text/html")
_QUALIFIERS: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "01": (
        ("22",),
        ("10",),
        ("21",),
        ("235",),
        ("22", "10"),
        ("22", "21"),
        ("10", "21"),
        ("22", "10", "21"),
    ),
    "8006": (("10",), ("21",), ("10", "21")),
    "414": (("254",),),
    "8010": (("8011",),),
}
"""What may follow a key in the path (GS1 Digital Link: URI Syntax 1.2, section 4.3)."""


def _resolve(asked: Outsider) -> Response:
    """Lead to one link, or list them all."""
    path = asked.request.scope["raw_path"].decode("latin-1").partition("?")[0]
    key = read_link(f"{CANONICAL_DOMAIN}{path}")
    if prefix_of(key, asked.service.settings.company_prefixes) is None:
        raise ProductUnknown(key.link())
    links = _links(asked, key)
    kind = asked.request.query_params.get("linkType")
    if kind in {"all", "linkset"} or (kind is None and _wants_linkset(asked)):
        return _linkset(key, links)
    return _redirect(asked, _target(links, kind or _DEFAULT))


def _links(asked: Outsider, key: Gs1Key) -> dict[str, str]:
    """Every link to what is known of a thing, by type, the one that is led to included."""
    own = asked.service.settings.links
    events = asked.url(f"/epcs/{segment(key.link())}/events")
    links = {kind: _filled(template, key) for kind, template in own.items()}
    links.setdefault(_EPCIS, events)
    links.setdefault(_DEFAULT, next(iter(links.values())))
    return links


def _filled(template: str, key: Gs1Key) -> str:
    """A template with the parts of a key in their places, each escaped."""
    serial = key.serial or ""
    lot = serial if key.scheme.serial is not None and key.scheme.serial.ai == "10" else ""
    values = {
        "key": key.link(),
        "value": key.value,
        "gtin": key.value if key.scheme.ai == "01" else "",
        "serial": "" if lot else serial,
        "lot": lot,
    }
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template


def _target(links: Mapping[str, str], kind: str) -> str:
    known = {_whole(name): target for name, target in links.items()}
    if _whole(kind) not in known:
        raise LinkTypeUnknown(kind[:64], tuple(sorted(links)))
    return known[_whole(kind)]


def _whole(kind: str) -> str:
    """A type of link as the URI that it is short for."""
    return f"{_VOCABULARY}{kind.removeprefix('gs1:')}" if kind.startswith("gs1:") else kind


def _wants_linkset(asked: Outsider) -> bool:
    try:
        chosen = chosen_media(asked.request.headers.get("accept"), ("text/html", *_FORMS[:2]))
    except AnswerFormRefused:
        return False
    return chosen in _FORMS[:2]


def _linkset(key: Gs1Key, links: Mapping[str, str]) -> Response:
    anchor: LinkUri = key.link()
    entry: dict[str, object] = {"anchor": anchor}
    for kind, target in links.items():
        entry[_whole(kind)] = [{"href": target}]
    headers = {"Vary": "Accept", "Cache-Control": "public, max-age=300"}
    return Response(orjson.dumps({"linkset": [entry]}), 200, headers, LINKSET)


def _redirect(asked: Outsider, target: str) -> Response:
    """Lead on, with what the link had in its query, except what was meant for the resolver."""
    pairs = parse_qsl(asked.request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name not in {"linkType", "context"}]
    if kept:
        target = f"{target}{'&' if '?' in target else '?'}{urlencode(kept)}"
    path = asked.request.scope["raw_path"].decode("latin-1").partition("?")[0]
    headers = {
        "Location": target,
        "Link": f'<{asked.url(path)}?linkType=linkset>; rel="linkset"; type="{LINKSET}"',
        "Vary": "Accept",
        "Cache-Control": "no-store",
    }
    return Response(status_code=307, headers=headers)


def _about(asked: Outsider) -> Response:
    """Tell what this resolver does."""
    value = {
        "name": "Lodeline",
        "resolverRoot": asked.url("") or "/",
        "supportedPrimaryKeys": sorted(BY_AI),
        "linkTypeDefaultCanBeLinkset": False,
    }
    return Response(orjson.dumps(value), media_type="application/json")


_LINK_TYPE: Final = Parameter(
    "linkType", Place.QUERY, "Type of link to be led to (gs1:pip), or linkset for all of them."
)
_ANSWERS: Final = (
    Answer(200, "All links.", {"$ref": "#/components/schemas/Linkset"}, forms=(LINKSET,)),
    Answer(307, "The link to follow.", None, ("Location", "Link")),
)


def _operation(ai: str, qualifiers: Sequence[str]) -> Open:
    names = (ai, *qualifiers)
    parameters = (
        Parameter(f"ai{name}", Place.PATH, f"Value of application identifier {name}.")
        for name in names
    )
    return Open(
        method="GET",
        path="".join(f"/{name}/{{ai{name}}}" for name in names),
        summary="Lead from a Digital Link of this company to what is known of the thing.",
        handler=_resolve,
        gives=(),
        parameters=(*parameters, _LINK_TYPE),
        answers=_ANSWERS,
        refusals=(400, 404),
    )


OPERATIONS: Final[Sequence[Open]] = (
    Open(
        method="GET",
        path="/.well-known/gs1resolver",
        summary="Tell what the resolver does.",
        handler=_about,
        gives=("application/json",),
        answers=(Answer(200, "About the resolver.", {"type": "object"}),),
        refusals=(406,),
    ),
    *(_operation(ai, qualifiers) for ai in BY_AI for qualifiers in ((), *_QUALIFIERS.get(ai, ()))),
)
