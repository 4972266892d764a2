"""Why an identifier is refused: one class for each reason."""

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = [
    "Gs1CharacterRefused",
    "Gs1CheckDigitWrong",
    "Gs1LengthWrong",
    "Gs1PartsWrong",
    "Gs1PercentWrong",
    "Gs1PrefixLengthMissing",
    "Gs1PrefixLengthWrong",
    "Gs1QualifierUnknown",
    "Gs1Refused",
    "Gs1SchemeUnknown",
    "Gs1WithoutLink",
    "Gs1WithoutUrn",
]


class Gs1Refused(LodelineError):
    """Family: a text is no well-formed GS1 identifier, or cannot be written as asked."""


class Gs1SchemeUnknown(Gs1Refused):
    """The text names no scheme or key that is known here."""

    code: ClassVar[str] = "gs1-scheme-unknown"
    en: ClassVar[str] = "{text} is no EPC URI and no GS1 Digital Link of a known key"
    fr: ClassVar[str] = "{text} n'est ni un URI EPC ni un GS1 Digital Link d'une clé connue"
    advice_en: ClassVar[str] = "write it as urn:epc:… or as https://id.gs1.org/…"
    advice_fr: ClassVar[str] = "écrivez-le sous la forme urn:epc:… ou https://id.gs1.org/…"

    text: str


class Gs1PartsWrong(Gs1Refused):
    """An EPC URI has too few or too many parts between its dots."""

    code: ClassVar[str] = "gs1-parts-wrong"
    en: ClassVar[str] = "{scheme} has {expected} parts between dots, {text} has {found}"
    fr: ClassVar[str] = "{scheme} a {expected} parties entre points, {text} en a {found}"
    advice_en: ClassVar[str] = "write the company prefix, the reference and the serial number"
    advice_fr: ClassVar[str] = "écrivez le préfixe d'entreprise, la référence et le numéro de série"

    scheme: str
    text: str
    expected: int
    found: int


class Gs1LengthWrong(Gs1Refused):
    """A part is too long or too short for its scheme."""

    code: ClassVar[str] = "gs1-length-wrong"
    en: ClassVar[str] = "{part} of {scheme} takes {least} to {most} characters, not {found}"
    fr: ClassVar[str] = "{part} de {scheme} compte {least} à {most} caractères, non {found}"
    advice_en: ClassVar[str] = "copy the identifier again from its label"
    advice_fr: ClassVar[str] = "recopiez l'identifiant depuis l'étiquette"

    scheme: str
    part: str
    least: int
    most: int
    found: int


class Gs1CharacterRefused(Gs1Refused):
    """A character is outside the set of its part (GS1 General Specifications, figure 7.11)."""

    code: ClassVar[str] = "gs1-character-refused"
    en: ClassVar[str] = "{part} of {scheme} may not hold {character}"
    fr: ClassVar[str] = "{part} de {scheme} ne peut contenir {character}"
    advice_en: ClassVar[str] = "copy the identifier again from its label"
    advice_fr: ClassVar[str] = "recopiez l'identifiant depuis l'étiquette"

    scheme: str
    part: str
    character: str


class Gs1CheckDigitWrong(Gs1Refused):
    """The check digit does not follow from the digits before it."""

    code: ClassVar[str] = "gs1-check-digit-wrong"
    en: ClassVar[str] = "{key} ends its digits in {found}, the check digit is {expected}"
    fr: ClassVar[str] = (
        "{key} termine ses chiffres par {found}, le chiffre de contrôle est {expected}"
    )
    advice_en: ClassVar[str] = "read the code again: a digit was mistyped"
    advice_fr: ClassVar[str] = "relisez le code : un chiffre a été mal saisi"

    key: str
    expected: str
    found: str


class Gs1PercentWrong(Gs1Refused):
    """A percent escape is cut short, not hexadecimal, or stands for a character that needs none."""

    code: ClassVar[str] = "gs1-percent-wrong"
    en: ClassVar[str] = "{text} escapes a character wrongly near {near}"
    fr: ClassVar[str] = "{text} échappe mal un caractère près de {near}"
    advice_en: ClassVar[str] = "write %2F for a slash, %25 for a percent sign, and so on"
    advice_fr: ClassVar[str] = "écrivez %2F pour une barre oblique, %25 pour un pour cent, etc."

    text: str
    near: str


class Gs1PrefixLengthMissing(Gs1Refused):
    """An EPC URI shows where the company prefix ends; a link does not."""

    code: ClassVar[str] = "gs1-prefix-length-missing"
    en: ClassVar[str] = "nothing says how long the company prefix of {key} is"
    fr: ClassVar[str] = "rien ne dit la longueur du préfixe d'entreprise de {key}"
    advice_en: ClassVar[str] = "give the length of the company prefix, 6 to 12 digits"
    advice_fr: ClassVar[str] = "donnez la longueur du préfixe d'entreprise, 6 à 12 chiffres"

    key: str


class Gs1PrefixLengthWrong(Gs1Refused):
    """A company prefix has 6 to 12 digits, and no more than the key has room for."""

    code: ClassVar[str] = "gs1-prefix-length-wrong"
    en: ClassVar[str] = "a company prefix of {length} digits does not fit {key}"
    fr: ClassVar[str] = "un préfixe d'entreprise de {length} chiffres ne convient pas à {key}"
    advice_en: ClassVar[str] = "give the length of the company prefix, 6 to 12 digits"
    advice_fr: ClassVar[str] = "donnez la longueur du préfixe d'entreprise, 6 à 12 chiffres"

    key: str
    length: int


class Gs1QualifierUnknown(Gs1Refused):
    """A link qualifies a key by something that does not belong to it."""

    code: ClassVar[str] = "gs1-qualifier-unknown"
    en: ClassVar[str] = "({qualifier}) does not qualify ({ai})"
    fr: ClassVar[str] = "({qualifier}) ne qualifie pas ({ai})"
    advice_en: ClassVar[str] = "keep to the qualifiers of the key, each once and in order"
    advice_fr: ClassVar[str] = "gardez les qualificatifs de la clé, chacun une fois et dans l'ordre"

    ai: str
    qualifier: str


class Gs1WithoutLink(Gs1Refused):
    """The scheme has no GS1 key, so that no Digital Link can be written for it."""

    code: ClassVar[str] = "gs1-without-link"
    en: ClassVar[str] = "{urn} is of a scheme that has no GS1 Digital Link"
    fr: ClassVar[str] = "{urn} relève d'un schéma sans GS1 Digital Link"
    advice_en: ClassVar[str] = "keep the EPC URI"
    advice_fr: ClassVar[str] = "gardez l'URI EPC"

    urn: str


class Gs1WithoutUrn(Gs1Refused):
    """The key is qualified in a way for which the Tag Data Standard has no EPC URI."""

    code: ClassVar[str] = "gs1-without-urn"
    en: ClassVar[str] = "{link} has no EPC URI: none tells lots of pieces apart"
    fr: ClassVar[str] = "{link} n'a pas d'URI EPC : aucun ne distingue les lots de pièces"
    advice_en: ClassVar[str] = "keep the Digital Link"
    advice_fr: ClassVar[str] = "gardez le Digital Link"

    link: str
