"""Why a query is refused: one class for each reason, in the families of the standard."""

from __future__ import annotations

from typing import ClassVar

from lodeline.node.events.exceptions import (
    DuplicateNameException,
    EpcisException,
    NoSuchNameException,
    NoSuchResourceException,
    QueryTooComplexException,
    QueryTooLargeException,
    QueryValidationException,
)

__all__ = [
    "AnswerTooLarge",
    "NamedQueryTaken",
    "NamedQueryUnknown",
    "PageTokenExpired",
    "PageTokenOfOther",
    "PageTokenWrong",
    "ParameterCountWrong",
    "ParameterEmpty",
    "ParameterNeeds",
    "ParameterNotFlag",
    "ParameterNotNumber",
    "ParameterNotText",
    "ParameterNotTime",
    "ParameterNotWord",
    "ParameterPatternWrong",
    "ParameterPrefixUnknown",
    "ParameterTwice",
    "ParameterUnknown",
    "ParametersExclude",
    "QueryNameWrong",
    "QueryNotObject",
    "QueryParameterException",
    "QueryTooLong",
    "QueryTooManyValues",
    "QueryTooMuchWork",
    "ResourceUnknown",
]


class QueryParameterException(EpcisException):
    """Family: a parameter of a query, or its value, is none of the standard's."""

    exception: ClassVar[str] = "QueryParameterException"
    status: ClassVar[int] = 400


class ParameterUnknown(QueryParameterException):
    """No parameter of the standard has that name."""

    code: ClassVar[str] = "query-parameter-unknown"
    en: ClassVar[str] = "there is no query parameter {parameter}"
    fr: ClassVar[str] = "il n'y a pas de paramètre de requête {parameter}"
    advice_en: ClassVar[str] = "check its spelling; names of extensions are prefix:name"
    advice_fr: ClassVar[str] = "vérifiez l'orthographe ; une extension s'écrit préfixe:nom"

    parameter: str


class ParameterTwice(QueryParameterException):
    """A query has the same parameter twice."""

    code: ClassVar[str] = "query-parameter-twice"
    en: ClassVar[str] = "the parameter {parameter} is there twice"
    fr: ClassVar[str] = "le paramètre {parameter} est présent deux fois"
    advice_en: ClassVar[str] = "write several values into one parameter, separated by |"
    advice_fr: ClassVar[str] = "mettez plusieurs valeurs dans un paramètre, séparées par |"

    parameter: str


class ParameterEmpty(QueryParameterException):
    """A parameter has no value where it needs one."""

    code: ClassVar[str] = "query-parameter-empty"
    en: ClassVar[str] = "the parameter {parameter} has no value"
    fr: ClassVar[str] = "le paramètre {parameter} n'a pas de valeur"
    advice_en: ClassVar[str] = "give at least one value, or leave the parameter out"
    advice_fr: ClassVar[str] = "donnez au moins une valeur, ou omettez le paramètre"

    parameter: str


class ParameterNotText(QueryParameterException):
    """A parameter has a value that is no text, or several where one is wanted."""

    code: ClassVar[str] = "query-parameter-not-text"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, which is no text"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, qui n'est pas un texte"
    advice_en: ClassVar[str] = "write a text or a list of texts"
    advice_fr: ClassVar[str] = "écrivez un texte ou une liste de textes"

    parameter: str
    found: str


class ParameterNotTime(QueryParameterException):
    """A parameter wants one moment, with its zone."""

    code: ClassVar[str] = "query-parameter-not-time"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, which is no time"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, qui n'est pas une heure"
    advice_en: ClassVar[str] = "write it with its zone: 2026-03-01T08:30:00Z; + is %2B in a URL"
    advice_fr: ClassVar[str] = "mettez le fuseau : 2026-03-01T08:30:00Z ; + s'écrit %2B en URL"

    parameter: str
    found: str


class ParameterNotNumber(QueryParameterException):
    """A parameter wants a number."""

    code: ClassVar[str] = "query-parameter-not-number"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, which is no number"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, qui n'est pas un nombre"
    advice_en: ClassVar[str] = "write a decimal number with a point"
    advice_fr: ClassVar[str] = "écrivez un nombre décimal avec un point"

    parameter: str
    found: str


class ParameterNotFlag(QueryParameterException):
    """A parameter wants true or false."""

    code: ClassVar[str] = "query-parameter-not-flag"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, not true or false"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, ni true ni false"
    advice_en: ClassVar[str] = "write true or false"
    advice_fr: ClassVar[str] = "écrivez true ou false"

    parameter: str
    found: str


class ParameterNotWord(QueryParameterException):
    """A parameter wants one of a few words."""

    code: ClassVar[str] = "query-parameter-not-word"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, not one of {words}"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, hors de {words}"
    advice_en: ClassVar[str] = "take one of these words"
    advice_fr: ClassVar[str] = "prenez l'un de ces mots"

    parameter: str
    found: str
    words: tuple[str, ...]


class ParameterCountWrong(QueryParameterException):
    """A parameter wants a count within bounds."""

    code: ClassVar[str] = "query-parameter-count-wrong"
    en: ClassVar[str] = "the parameter {parameter} has the value {found}, not {least} or more"
    fr: ClassVar[str] = "le paramètre {parameter} a la valeur {found}, et non {least} ou plus"
    advice_en: ClassVar[str] = "write a whole number"
    advice_fr: ClassVar[str] = "écrivez un nombre entier"

    parameter: str
    found: str
    least: int


class ParameterPatternWrong(QueryParameterException):
    """A pattern of EPCs is none of the Tag Data Standard."""

    code: ClassVar[str] = "query-parameter-pattern-wrong"
    en: ClassVar[str] = "the parameter {parameter} has the pattern {found}, which cannot be read"
    fr: ClassVar[str] = "le paramètre {parameter} a le motif {found}, qui est illisible"
    advice_en: ClassVar[str] = (
        "write whole parts and then asterisks: urn:epc:idpat:sgtin:4012345.*.*"
    )
    advice_fr: ClassVar[str] = (
        "des parties entières puis des astérisques : urn:epc:idpat:sgtin:4.*.*"
    )

    parameter: str
    found: str


class ParameterPrefixUnknown(QueryParameterException):
    """The name of an extension has a prefix that was not declared."""

    code: ClassVar[str] = "query-parameter-prefix-unknown"
    en: ClassVar[str] = "the parameter {parameter} has the prefix {prefix}, which is not declared"
    fr: ClassVar[str] = "le paramètre {parameter} a le préfixe {prefix}, qui n'est pas déclaré"
    advice_en: ClassVar[str] = "declare it in GS1-Extensions or @context, or write the whole IRI"
    advice_fr: ClassVar[str] = "déclarez-le dans GS1-Extensions ou @context, ou écrivez l'IRI"

    parameter: str
    prefix: str


class ParametersExclude(QueryParameterException):
    """Two parameters that cannot be together."""

    code: ClassVar[str] = "query-parameters-exclude"
    en: ClassVar[str] = "{first} and {second} exclude each other"
    fr: ClassVar[str] = "{first} et {second} s'excluent"
    advice_en: ClassVar[str] = "leave one of them out"
    advice_fr: ClassVar[str] = "omettez l'un des deux"

    first: str
    second: str


class ParameterNeeds(QueryParameterException):
    """A parameter that means nothing without another."""

    code: ClassVar[str] = "query-parameter-needs"
    en: ClassVar[str] = "{parameter} means nothing without {needed}"
    fr: ClassVar[str] = "{parameter} ne veut rien dire sans {needed}"
    advice_en: ClassVar[str] = "add {needed}"
    advice_fr: ClassVar[str] = "ajoutez {needed}"

    parameter: str
    needed: str


class QueryNotObject(QueryValidationException):
    """A query as JSON is an object of parameters, and this is something else."""

    code: ClassVar[str] = "query-not-object"
    en: ClassVar[str] = "a query is a JSON object of parameters, not {found}"
    fr: ClassVar[str] = "une requête est un objet JSON de paramètres, non {found}"
    advice_en: ClassVar[str] = 'write {{"query": {{"eventType": ["ObjectEvent"]}}}}'
    advice_fr: ClassVar[str] = 'écrivez {{"query": {{"eventType": ["ObjectEvent"]}}}}'

    found: str


class QueryTooLong(QueryTooComplexException):
    """A query is longer than is taken."""

    code: ClassVar[str] = "query-too-long"
    en: ClassVar[str] = "the query has {found} bytes, at most {most} are taken"
    fr: ClassVar[str] = "la requête a {found} octets, au plus {most} sont pris"
    advice_en: ClassVar[str] = "ask for fewer things at once"
    advice_fr: ClassVar[str] = "demandez moins de choses à la fois"

    found: int
    most: int


class QueryTooManyValues(QueryTooComplexException):
    """A query has more parameters and values than are taken."""

    code: ClassVar[str] = "query-too-many-values"
    en: ClassVar[str] = "the query has {found} values, at most {most} are taken"
    fr: ClassVar[str] = "la requête a {found} valeurs, au plus {most} sont prises"
    advice_en: ClassVar[str] = "ask for fewer things at once"
    advice_fr: ClassVar[str] = "demandez moins de choses à la fois"

    found: int
    most: int


class QueryTooMuchWork(QueryTooComplexException):
    """To answer, more events would have to be looked at than may be."""

    code: ClassVar[str] = "query-too-much-work"
    en: ClassVar[str] = "the query has to look at more than {most} events"
    fr: ClassVar[str] = "la requête doit examiner plus de {most} événements"
    advice_en: ClassVar[str] = "narrow it by time, place or item, or leave out maxEventCount"
    advice_fr: ClassVar[str] = "précisez temps, lieu ou objet, ou omettez maxEventCount"

    most: int


class AnswerTooLarge(QueryTooLargeException):
    """There are more events than ``maxEventCount`` allows."""

    code: ClassVar[str] = "query-answer-too-large"
    en: ClassVar[str] = "more than {most} events match, which maxEventCount does not allow"
    fr: ClassVar[str] = "plus de {most} événements correspondent, maxEventCount l'interdit"
    advice_en: ClassVar[str] = "narrow the query, or allow more"
    advice_fr: ClassVar[str] = "précisez la requête, ou autorisez-en plus"

    most: int


class PageTokenWrong(QueryValidationException):
    """A page token was not made here, was changed, or is another's."""

    code: ClassVar[str] = "query-page-token-wrong"
    en: ClassVar[str] = "the page token is not one that this node gave to you"
    fr: ClassVar[str] = "le jeton de page n'est pas de ce nœud, ou pas pour vous"
    advice_en: ClassVar[str] = "ask for the first page again and follow its Link"
    advice_fr: ClassVar[str] = "redemandez la première page et suivez son Link"


class PageTokenOfOther(QueryValidationException):
    """A page token belongs to another query than the one beside it."""

    code: ClassVar[str] = "query-page-token-of-other"
    en: ClassVar[str] = "the page token belongs to another query than the parameters beside it"
    fr: ClassVar[str] = "le jeton de page est d'une autre requête que les paramètres joints"
    advice_en: ClassVar[str] = "follow the Link as it was given"
    advice_fr: ClassVar[str] = "suivez le Link tel qu'il a été donné"


class PageTokenExpired(NoSuchResourceException):
    """A page token was valid once."""

    code: ClassVar[str] = "query-page-token-expired"
    en: ClassVar[str] = "the page token was valid until {expired} and is so no more"
    fr: ClassVar[str] = "le jeton de page était valable jusqu'à {expired} et ne l'est plus"
    advice_en: ClassVar[str] = "ask for the first page again"
    advice_fr: ClassVar[str] = "redemandez la première page"

    expired: str
    """RFC 3339."""


class NamedQueryUnknown(NoSuchNameException):
    """No query has that name, for the tenant that asks."""

    code: ClassVar[str] = "query-name-unknown"
    en: ClassVar[str] = "there is no query named {name}"
    fr: ClassVar[str] = "il n'y a pas de requête nommée {name}"
    advice_en: ClassVar[str] = "list the queries, or create it"
    advice_fr: ClassVar[str] = "listez les requêtes, ou créez-la"

    name: str


class NamedQueryTaken(DuplicateNameException):
    """Another query has the name already."""

    code: ClassVar[str] = "query-name-taken"
    en: ClassVar[str] = "there is another query named {name}"
    fr: ClassVar[str] = "une autre requête se nomme {name}"
    advice_en: ClassVar[str] = "take another name, or delete that query first"
    advice_fr: ClassVar[str] = "prenez un autre nom, ou supprimez d'abord cette requête"

    name: str


class QueryNameWrong(QueryValidationException):
    """A name that cannot stand in a path."""

    code: ClassVar[str] = "query-name-wrong"
    en: ClassVar[str] = "{name} cannot be the name of a query"
    fr: ClassVar[str] = "{name} ne peut être le nom d'une requête"
    advice_en: ClassVar[str] = "take 1 to {most} letters, digits, points, hyphens and underscores"
    advice_fr: ClassVar[str] = "prenez 1 à {most} lettres, chiffres, points, tirets, soulignés"

    name: str
    most: int


class ResourceUnknown(NoSuchResourceException):
    """No event speaks of that thing, place, step or kind."""

    code: ClassVar[str] = "query-resource-unknown"
    en: ClassVar[str] = "no event speaks of {value} among {resource}"
    fr: ClassVar[str] = "aucun événement ne parle de {value} parmi {resource}"
    advice_en: ClassVar[str] = "list what there is, and escape it once in the path"
    advice_fr: ClassVar[str] = "listez ce qu'il y a, et échappez-le une fois dans le chemin"

    resource: str
    value: str
