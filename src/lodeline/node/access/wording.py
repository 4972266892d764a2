"""Policies in plain words: one sentence that says who sees what until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lodeline.kernel.errors import Lang
from lodeline.node.access.policies import Policy, Terms
from lodeline.node.events.moments import Micros, moment_text

__all__ = ["policy_sentence"]

_EN: Final = {
    "partner": "The people of {name}",
    "account": "{name}",
    "everything": "every event, those to come too",
    "some": "the events that {conditions}",
    "kinds": "are of the type {names}",
    "steps": "are of the business step {names}",
    "sites": "happened at {names}",
    "lots": "speak of {names} or a part of it",
    "parties": "come from or go to {names}",
    "since": "happened at {moment} or later",
    "before": "happened before {moment}",
    "whole": "{reader} may see {what}{until}.",
    "until": ", until {moment}",
    "revoked": " Revoked at {moment}.",
    "or": " or ",
    "and": " and that ",
}
_FR: Final = {
    "partner": "Chez {name}, on",
    "account": "{name}",
    "everything": "tous les événements, y compris ceux à venir",
    "some": "les événements qui {conditions}",
    "kinds": "sont du type {names}",
    "steps": "sont de l'étape {names}",
    "sites": "ont eu lieu à {names}",
    "lots": "parlent de {names} ou d'une partie",
    "parties": "viennent de {names} ou y vont",
    "since": "ont eu lieu le {moment} ou après",
    "before": "ont eu lieu avant le {moment}",
    "whole": "{reader} voit {what}{until}.",
    "until": ", jusqu'au {moment}",
    "revoked": " Révoqué le {moment}.",
    "or": " ou ",
    "and": " et qui ",
}
_WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {"en": _EN, "fr": _FR}


def policy_sentence(policy: Policy, lang: Lang) -> str:
    """Return what a policy shares, as one sentence; a second one says when it was revoked."""
    words = _WORDS[lang]
    kind, _, name = policy.reader.partition(":")
    until = "" if policy.expires is None else words["until"].format(moment=_day(policy.expires))
    sentence = words["whole"].format(
        reader=words[kind].format(name=name), what=_what(policy.terms, words), until=until
    )
    if policy.revoked is None:
        return sentence
    return sentence + words["revoked"].format(moment=_day(policy.revoked))


def _what(terms: Terms, words: Mapping[str, str]) -> str:
    if terms.everything:
        return words["everything"]
    return words["some"].format(conditions=words["and"].join(_conditions(terms, words)))


def _conditions(terms: Terms, words: Mapping[str, str]) -> Iterator[str]:
    lists: tuple[tuple[str, Sequence[str]], ...] = (
        ("kinds", terms.kinds),
        ("steps", terms.steps),
        ("sites", terms.sites),
        ("lots", terms.lots),
        ("parties", terms.parties),
    )
    for key, names in lists:
        if names:
            yield words[key].format(names=words["or"].join(names))
    for key, moment in (("since", terms.since), ("before", terms.before)):
        if moment is not None:
            yield words[key].format(moment=_day(Micros(moment)))


def _day(moment: Micros) -> str:
    """A moment to the second, and as a day alone where it is midnight in UTC."""
    text = moment_text(moment)
    day, _, clock = text.partition("T")
    return day if clock == "00:00:00.000000Z" else f"{day} {clock[:8]} UTC"
