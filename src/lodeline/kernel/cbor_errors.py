"""Why bytes are not canonical CBOR, or not the structure that was expected: one class a reason.

Offsets count bytes from the start of the encoding and point at the head of the item concerned.
"""

from typing import ClassVar

from lodeline.kernel.errors import LodelineError


class CborError(LodelineError):
    """Family of all refusals of an encoding."""


class CborTooLarge(CborError):
    """The encoding is longer than the reader allows."""

    code: ClassVar[str] = "cbor-too-large"
    en: ClassVar[str] = "the encoding has {size} bytes, at most {limit} are read"
    fr: ClassVar[str] = "le codage fait {size} octets, {limit} au plus sont lus"
    advice_en: ClassVar[str] = "send less at once, or split the document"
    advice_fr: ClassVar[str] = "envoyez moins à la fois, ou divisez le document"

    size: int
    limit: int


class CborTruncated(CborError):
    """A head promises more bytes or items than are left."""

    code: ClassVar[str] = "cbor-truncated"
    en: ClassVar[str] = (
        "at byte {offset}, {needed} more bytes are promised and only {available} are left"
    )
    fr: ClassVar[str] = (
        "à l'octet {offset}, {needed} octets sont annoncés et il n'en reste que {available}"
    )
    advice_en: ClassVar[str] = "the data was cut off: fetch it again"
    advice_fr: ClassVar[str] = "les données sont tronquées : récupérez-les à nouveau"

    offset: int
    needed: int
    available: int


class CborTrailingBytes(CborError):
    """Bytes follow the one value."""

    code: ClassVar[str] = "cbor-trailing-bytes"
    en: ClassVar[str] = "the value ends after {used} bytes, but {size} were given"
    fr: ClassVar[str] = "la valeur finit après {used} octets, mais {size} sont donnés"
    advice_en: ClassVar[str] = "send one value and nothing after it"
    advice_fr: ClassVar[str] = "envoyez une seule valeur, sans rien après"

    used: int
    size: int


class CborTooDeep(CborError):
    """Arrays and maps are nested too deep."""

    code: ClassVar[str] = "cbor-too-deep"
    en: ClassVar[str] = "arrays and maps are nested more than {limit} deep"
    fr: ClassVar[str] = "les tableaux et dictionnaires sont imbriqués sur plus de {limit} niveaux"
    advice_en: ClassVar[str] = "no honest entry is nested so deep: look for a defect in the writer"
    advice_fr: ClassVar[str] = (
        "aucune entrée honnête n'est si imbriquée : cherchez un défaut de l'émetteur"
    )

    limit: int


class CborIndefiniteLength(CborError):
    """A string, array or map of indefinite length, or a stray break."""

    code: ClassVar[str] = "cbor-indefinite-length"
    en: ClassVar[str] = "byte {offset} begins an item of indefinite length"
    fr: ClassVar[str] = "l'octet {offset} ouvre un élément de longueur indéfinie"
    advice_en: ClassVar[str] = "write definite lengths"
    advice_fr: ClassVar[str] = "écrivez des longueurs définies"

    offset: int


class CborReservedHead(CborError):
    """Additional information 28 to 30, which RFC 8949 §3 reserves."""

    code: ClassVar[str] = "cbor-reserved-head"
    en: ClassVar[str] = "byte {offset} uses the reserved additional information {info}"
    fr: ClassVar[str] = "l'octet {offset} utilise l'information réservée {info}"
    advice_en: ClassVar[str] = "the data is damaged or not CBOR"
    advice_fr: ClassVar[str] = "les données sont abîmées ou ne sont pas du CBOR"

    offset: int
    info: int


class CborTagRefused(CborError):
    """A tag, of which the canonical form has none."""

    code: ClassVar[str] = "cbor-tag-refused"
    en: ClassVar[str] = "byte {offset} bears the tag {tag}; tags are not allowed"
    fr: ClassVar[str] = "l'octet {offset} porte l'étiquette {tag} ; les étiquettes sont refusées"
    advice_en: ClassVar[str] = "write dates and the like as the protocol says, without tags"
    advice_fr: ClassVar[str] = (
        "écrivez les dates et semblables comme le dit le protocole, sans étiquette"
    )

    offset: int
    tag: int


class CborBignumRefused(CborError):
    """An integer beyond 64 bits."""

    code: ClassVar[str] = "cbor-bignum-refused"
    en: ClassVar[str] = "byte {offset} begins an integer of more than 64 bits"
    fr: ClassVar[str] = "l'octet {offset} ouvre un entier de plus de 64 bits"
    advice_en: ClassVar[str] = "no quantity of the ledger is so large: check the unit"
    advice_fr: ClassVar[str] = "aucune quantité du registre n'est si grande : vérifiez l'unité"

    offset: int


class CborFloatRefused(CborError):
    """A floating-point number; amounts are integers."""

    code: ClassVar[str] = "cbor-float-refused"
    en: ClassVar[str] = "byte {offset} begins a floating-point number"
    fr: ClassVar[str] = "l'octet {offset} ouvre un nombre à virgule flottante"
    advice_en: ClassVar[str] = "write amounts as integers in the unit of the protocol"
    advice_fr: ClassVar[str] = "écrivez les quantités en entiers dans l'unité du protocole"

    offset: int


class CborSimpleRefused(CborError):
    """A simple value other than true, false and null."""

    code: ClassVar[str] = "cbor-simple-refused"
    en: ClassVar[str] = (
        "byte {offset} is the simple value {info}; only true, false and null are allowed"
    )
    fr: ClassVar[str] = (
        "l'octet {offset} est la valeur simple {info} ; seules vrai, faux et nul sont admises"
    )
    advice_en: ClassVar[str] = "write null for what is missing"
    advice_fr: ClassVar[str] = "écrivez nul pour ce qui manque"

    offset: int
    info: int


class CborNotShortest(CborError):
    """A length or integer is not written in its shortest form."""

    code: ClassVar[str] = "cbor-not-shortest"
    en: ClassVar[str] = "the number at byte {offset} is not in its shortest form"
    fr: ClassVar[str] = "le nombre à l'octet {offset} n'est pas sous sa forme la plus courte"
    advice_en: ClassVar[str] = "encode deterministically (RFC 8949, section 4.2.1)"
    advice_fr: ClassVar[str] = "codez de façon déterministe (RFC 8949, section 4.2.1)"

    offset: int


class CborKeyNotText(CborError):
    """A map key is not text."""

    code: ClassVar[str] = "cbor-key-not-text"
    en: ClassVar[str] = "the map key at byte {offset} is not text"
    fr: ClassVar[str] = "la clé à l'octet {offset} n'est pas un texte"
    advice_en: ClassVar[str] = "use the field names of the protocol as keys"
    advice_fr: ClassVar[str] = "utilisez comme clés les noms de champs du protocole"

    offset: int


class CborDuplicateKey(CborError):
    """A map has one key twice."""

    code: ClassVar[str] = "cbor-duplicate-key"
    en: ClassVar[str] = "the map key at byte {offset} was there already"
    fr: ClassVar[str] = "la clé à l'octet {offset} figurait déjà"
    advice_en: ClassVar[str] = "name every field once"
    advice_fr: ClassVar[str] = "nommez chaque champ une seule fois"

    offset: int


class CborKeysUnsorted(CborError):
    """Map keys are not in ascending order of their encodings."""

    code: ClassVar[str] = "cbor-keys-unsorted"
    en: ClassVar[str] = "the map key at byte {offset} comes too late"
    fr: ClassVar[str] = "la clé à l'octet {offset} arrive trop tard"
    advice_en: ClassVar[str] = "sort keys by their encoded bytes (RFC 8949, section 4.2.1)"
    advice_fr: ClassVar[str] = "triez les clés par leurs octets codés (RFC 8949, section 4.2.1)"

    offset: int


class CborInvalidText(CborError):
    """A text string is not UTF-8."""

    code: ClassVar[str] = "cbor-invalid-text"
    en: ClassVar[str] = "the text at byte {offset} is not UTF-8"
    fr: ClassVar[str] = "le texte à l'octet {offset} n'est pas de l'UTF-8"
    advice_en: ClassVar[str] = "write binary data as a byte string"
    advice_fr: ClassVar[str] = "écrivez les données binaires en chaîne d'octets"

    offset: int


class CborNotCanonical(CborError):
    """Not the one encoding of the value; for a structure, a default was left out."""

    code: ClassVar[str] = "cbor-not-canonical"
    en: ClassVar[str] = "the {size} bytes are not the one encoding of what they say"
    fr: ClassVar[str] = "les {size} octets ne sont pas l'unique codage de ce qu'ils disent"
    advice_en: ClassVar[str] = "write every field, also those at their default value"
    advice_fr: ClassVar[str] = "écrivez tous les champs, aussi ceux qui ont leur valeur par défaut"

    size: int


class CborTypeRefused(CborError):
    """A value to be written has a type without canonical form."""

    code: ClassVar[str] = "cbor-type-refused"
    en: ClassVar[str] = "a value of type {type_name} has no canonical form"
    fr: ClassVar[str] = "une valeur de type {type_name} n'a pas de forme canonique"
    advice_en: ClassVar[str] = (
        "write integers, bytes, text, lists, maps with text keys, true, false or null"
    )
    advice_fr: ClassVar[str] = (
        "écrivez entiers, octets, textes, listes, dictionnaires à clés textes, vrai, faux, nul"
    )

    type_name: str


class CborIntegerOutOfRange(CborError):
    """An integer to be written needs more than 64 bits."""

    code: ClassVar[str] = "cbor-integer-out-of-range"
    en: ClassVar[str] = "the integer {value} needs more than 64 bits"
    fr: ClassVar[str] = "l'entier {value} demande plus de 64 bits"
    advice_en: ClassVar[str] = "no quantity of the ledger is so large: check the unit"
    advice_fr: ClassVar[str] = "aucune quantité du registre n'est si grande : vérifiez l'unité"

    value: int


class CborTextNotUnicode(CborError):
    """A text to be written holds lone surrogates."""

    code: ClassVar[str] = "cbor-text-not-unicode"
    en: ClassVar[str] = "a text of {length} characters cannot be written as UTF-8"
    fr: ClassVar[str] = "un texte de {length} caractères ne peut être écrit en UTF-8"
    advice_en: ClassVar[str] = "clean the text where it enters the system"
    advice_fr: ClassVar[str] = "nettoyez le texte là où il entre dans le système"

    length: int


class WrongShape(CborError):
    """A well-formed value is not what the protocol expects in this place."""

    code: ClassVar[str] = "wrong-shape"
    en: ClassVar[str] = "this is not a {expected}: {reason}"
    fr: ClassVar[str] = "ceci n'est pas un {expected} : {reason}"
    advice_en: ClassVar[str] = "check the version of the writer, and the field that is named"
    advice_fr: ClassVar[str] = "vérifiez la version de l'émetteur et le champ nommé"

    expected: str
    reason: str
