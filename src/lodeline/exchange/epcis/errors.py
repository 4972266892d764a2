"""Why an EPCIS document or event is refused: one class for each reason.

``where`` is a path inside the document as a reader would walk it: ``eventList/3/bizStep``.
"""

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = [
    "CheckDigitWrong",
    "ContextRefused",
    "DocumentTooLarge",
    "EpcisRefused",
    "EventsTooMany",
    "FieldMissing",
    "FieldUnknown",
    "JsonBroken",
    "JsonKeyTwice",
    "ListInList",
    "NameWithoutNamespace",
    "NestedTooDeep",
    "NumberRefused",
    "PrefixUndeclared",
    "SchemaBroken",
    "TextTooLong",
    "TimeWithoutZone",
    "TimeWrong",
    "TopLevelWrong",
    "ValueNotAllowed",
    "ValueNull",
    "XmlAttributesTooMany",
    "XmlBroken",
    "XmlDeclaresEntities",
    "XmlElementTwice",
    "XmlElementUnknown",
    "XmlNumberWrong",
    "XmlUnwritable",
]


class EpcisRefused(LodelineError):
    """Family: the bytes are no EPCIS document that can be taken in."""


class DocumentTooLarge(EpcisRefused):
    """The document has more bytes than a reader takes."""

    code: ClassVar[str] = "epcis-document-too-large"
    en: ClassVar[str] = "the document has {found} bytes, at most {most} are taken"
    fr: ClassVar[str] = "le document fait {found} octets, au plus {most} sont acceptés"
    advice_en: ClassVar[str] = "split it into several documents"
    advice_fr: ClassVar[str] = "répartissez-le en plusieurs documents"
    status: ClassVar[int] = 413

    found: int
    most: int


class EventsTooMany(EpcisRefused):
    """The document has more events than a reader takes."""

    code: ClassVar[str] = "epcis-events-too-many"
    en: ClassVar[str] = "the document has {found} events, at most {most} are taken"
    fr: ClassVar[str] = "le document a {found} événements, au plus {most} sont acceptés"
    advice_en: ClassVar[str] = "split it into several documents"
    advice_fr: ClassVar[str] = "répartissez-le en plusieurs documents"
    status: ClassVar[int] = 413

    found: int
    most: int


class NestedTooDeep(EpcisRefused):
    """Values lie within one another deeper than a reader follows."""

    code: ClassVar[str] = "epcis-nested-too-deep"
    en: ClassVar[str] = "values are nested deeper than {most} levels"
    fr: ClassVar[str] = "des valeurs sont imbriquées sur plus de {most} niveaux"
    advice_en: ClassVar[str] = "flatten the extension"
    advice_fr: ClassVar[str] = "aplatissez l'extension"

    most: int


class TextTooLong(EpcisRefused):
    """One text has more characters than a reader takes."""

    code: ClassVar[str] = "epcis-text-too-long"
    en: ClassVar[str] = "{where} has {found} characters, at most {most} are taken"
    fr: ClassVar[str] = "{where} a {found} caractères, au plus {most} sont acceptés"
    advice_en: ClassVar[str] = "store the text elsewhere and link to it"
    advice_fr: ClassVar[str] = "stockez le texte ailleurs et donnez un lien"

    where: str
    found: int
    most: int


class JsonBroken(EpcisRefused):
    """The bytes are not JSON in UTF-8 (RFC 8259)."""

    code: ClassVar[str] = "epcis-json-broken"
    en: ClassVar[str] = "the text is not JSON near character {position}"
    fr: ClassVar[str] = "le texte n'est pas du JSON près du caractère {position}"
    advice_en: ClassVar[str] = "check commas, quotes and brackets, and that it is UTF-8"
    advice_fr: ClassVar[str] = "vérifiez virgules, guillemets, crochets, et l'encodage UTF-8"
    status: ClassVar[int] = 400

    position: int


class JsonKeyTwice(EpcisRefused):
    """An object names a key twice, so that two readers might see two documents."""

    code: ClassVar[str] = "epcis-json-key-twice"
    en: ClassVar[str] = "an object has the key {key} twice"
    fr: ClassVar[str] = "un objet a deux fois la clé {key}"
    advice_en: ClassVar[str] = "keep one of the two; several values go into a list"
    advice_fr: ClassVar[str] = "gardez-en une ; plusieurs valeurs vont dans une liste"
    status: ClassVar[int] = 400

    key: str


class NumberRefused(EpcisRefused):
    """A number is no number, or has more digits than a reader takes."""

    code: ClassVar[str] = "epcis-number-refused"
    en: ClassVar[str] = "{text} is not a number of at most {most} characters"
    fr: ClassVar[str] = "{text} n'est pas un nombre d'au plus {most} caractères"
    advice_en: ClassVar[str] = "write a plain decimal number"
    advice_fr: ClassVar[str] = "écrivez un nombre décimal simple"

    text: str
    most: int


class TopLevelWrong(EpcisRefused):
    """The document is neither an EPCIS document, nor an event, nor a list of events."""

    code: ClassVar[str] = "epcis-top-level-wrong"
    en: ClassVar[str] = "{found} is no EPCIS document, no event and no list of events"
    fr: ClassVar[str] = "{found} n'est ni un document EPCIS, ni un événement, ni une liste"
    advice_en: ClassVar[str] = "send an EPCISDocument, or one event with its type"
    advice_fr: ClassVar[str] = "envoyez un EPCISDocument, ou un événement avec son type"

    found: str


class ContextRefused(EpcisRefused):
    """A JSON-LD context is unknown, or declares something other than namespaces.

    Contexts are never fetched: what a name means must not depend on a web server.
    """

    code: ClassVar[str] = "epcis-context-refused"
    en: ClassVar[str] = "the context {entry} is not taken"
    fr: ClassVar[str] = "le contexte {entry} n'est pas accepté"
    advice_en: ClassVar[str] = (
        "name the EPCIS context, and declare prefixes of extensions beside it"
    )
    advice_fr: ClassVar[str] = (
        "nommez le contexte EPCIS et déclarez à côté les préfixes d'extension"
    )

    entry: str


class PrefixUndeclared(EpcisRefused):
    """A name uses a prefix that no context declares."""

    code: ClassVar[str] = "epcis-prefix-undeclared"
    en: ClassVar[str] = "{name} uses a prefix that no context declares"
    fr: ClassVar[str] = "{name} emploie un préfixe qu'aucun contexte ne déclare"
    advice_en: ClassVar[str] = "declare the prefix in the context"
    advice_fr: ClassVar[str] = "déclarez le préfixe dans le contexte"

    name: str


class NameWithoutNamespace(EpcisRefused):
    """A name is not of the standard and belongs to no namespace."""

    code: ClassVar[str] = "epcis-name-without-namespace"
    en: ClassVar[str] = "{name} in {where} is no field of the standard and has no namespace"
    fr: ClassVar[str] = (
        "{name} dans {where} n'est pas un champ de la norme et n'a pas d'espace de noms"
    )
    advice_en: ClassVar[str] = "check the spelling, or write it as prefix:name"
    advice_fr: ClassVar[str] = "vérifiez l'orthographe, ou écrivez préfixe:nom"

    name: str
    where: str


class ValueNull(EpcisRefused):
    """A value is null: nothing in XML or in a hash says the same."""

    code: ClassVar[str] = "epcis-value-null"
    en: ClassVar[str] = "{where} is null"
    fr: ClassVar[str] = "{where} vaut null"
    advice_en: ClassVar[str] = "leave the field out"
    advice_fr: ClassVar[str] = "omettez le champ"

    where: str


class ListInList(EpcisRefused):
    """A list of an extension holds a list: XML and hash ids would not keep them apart."""

    code: ClassVar[str] = "epcis-list-in-list"
    en: ClassVar[str] = "{where} is a list within a list"
    fr: ClassVar[str] = "{where} est une liste dans une liste"
    advice_en: ClassVar[str] = "put the inner list into an object"
    advice_fr: ClassVar[str] = "mettez la liste intérieure dans un objet"

    where: str


class SchemaBroken(EpcisRefused):
    """The event or document breaks a rule of the EPCIS 2.0 JSON Schema."""

    code: ClassVar[str] = "epcis-schema-broken"
    en: ClassVar[str] = "{where} breaks the rule {rule} of the EPCIS schema"
    fr: ClassVar[str] = "{where} enfreint la règle {rule} du schéma EPCIS"
    advice_en: ClassVar[str] = "compare the field with the standard: its name, its form, its values"
    advice_fr: ClassVar[str] = "comparez le champ à la norme : son nom, sa forme, ses valeurs"

    where: str
    rule: str


class FieldMissing(SchemaBroken):
    """A field that the standard requires is not there."""

    code: ClassVar[str] = "epcis-field-missing"
    en: ClassVar[str] = "{where} has no “{name}”, which is required"
    fr: ClassVar[str] = "{where} n'a pas de « {name} », qui est obligatoire"
    advice_en: ClassVar[str] = "add the field"
    advice_fr: ClassVar[str] = "ajoutez le champ"

    name: str


class FieldUnknown(SchemaBroken):
    """A field that the standard does not have there."""

    code: ClassVar[str] = "epcis-field-unknown"
    en: ClassVar[str] = "{where} has a field “{name}”, which the standard does not have there"
    fr: ClassVar[str] = "{where} a un champ « {name} », que la norme n'y a pas"
    advice_en: ClassVar[str] = (
        "check its spelling; a field of your own is prefix:name, with the prefix in @context"
    )
    advice_fr: ClassVar[str] = (
        "vérifiez son orthographe ; un champ à vous s'écrit préfixe:nom, le préfixe dans @context"
    )

    name: str


class ValueNotAllowed(SchemaBroken):
    """A value that cannot stand in its field."""

    code: ClassVar[str] = "epcis-value-not-allowed"
    en: ClassVar[str] = "{where} cannot be {found}"
    fr: ClassVar[str] = "{where} ne peut pas être {found}"
    advice_en: ClassVar[str] = "write it like: {allowed}"
    advice_fr: ClassVar[str] = "écrivez-le comme : {allowed}"

    found: str
    allowed: str


class TimeWithoutZone(EpcisRefused):
    """A time does not say its zone; the reader's own would be a guess."""

    code: ClassVar[str] = "epcis-time-without-zone"
    en: ClassVar[str] = "{field} is {text}, without a time zone"
    fr: ClassVar[str] = "{field} vaut {text}, sans fuseau horaire"
    advice_en: ClassVar[str] = "end the time in Z or in an offset such as +02:00"
    advice_fr: ClassVar[str] = "terminez l'heure par Z ou par un décalage tel que +02:00"

    field: str
    text: str


class TimeWrong(EpcisRefused):
    """A time is none of the calendar (RFC 3339, section 5.6)."""

    code: ClassVar[str] = "epcis-time-wrong"
    en: ClassVar[str] = "{field} is {text}, which is no time"
    fr: ClassVar[str] = "{field} vaut {text}, qui n'est pas une heure"
    advice_en: ClassVar[str] = "write it as 2026-03-01T08:30:00.000Z"
    advice_fr: ClassVar[str] = "écrivez-la sous la forme 2026-03-01T08:30:00.000Z"

    field: str
    text: str


class CheckDigitWrong(EpcisRefused):
    """A GS1 key has a check digit that does not follow from the digits before it."""

    code: ClassVar[str] = "epcis-check-digit-wrong"
    en: ClassVar[str] = "{where}: {identifier} has the check digit {found}, it should be {expected}"
    fr: ClassVar[str] = (
        "{where} : {identifier} a {found} pour chiffre de contrôle, ce devrait être {expected}"
    )
    advice_en: ClassVar[str] = "read the code again: a digit was mistyped"
    advice_fr: ClassVar[str] = "relisez le code : un chiffre a été mal saisi"

    where: str
    identifier: str
    found: str
    expected: str


class XmlBroken(EpcisRefused):
    """The bytes are not well-formed XML."""

    code: ClassVar[str] = "epcis-xml-broken"
    en: ClassVar[str] = "the text is not XML near line {line}"
    fr: ClassVar[str] = "le texte n'est pas du XML près de la ligne {line}"
    advice_en: ClassVar[str] = "check that each element is closed and each prefix declared"
    advice_fr: ClassVar[str] = "vérifiez que chaque élément est fermé et chaque préfixe déclaré"
    status: ClassVar[int] = 400

    line: int


class XmlDeclaresEntities(EpcisRefused):
    """The document has a document type: entities of it could read files or grow without bound."""

    code: ClassVar[str] = "epcis-xml-declares-entities"
    en: ClassVar[str] = "the XML has a document type declaration"
    fr: ClassVar[str] = "le XML a une déclaration de type de document"
    advice_en: ClassVar[str] = "remove the DOCTYPE"
    advice_fr: ClassVar[str] = "retirez le DOCTYPE"
    status: ClassVar[int] = 400


class XmlAttributesTooMany(EpcisRefused):
    """An element has more attributes than a reader takes."""

    code: ClassVar[str] = "epcis-xml-attributes-too-many"
    en: ClassVar[str] = "{name} has {found} attributes, at most {most} are taken"
    fr: ClassVar[str] = "{name} a {found} attributs, au plus {most} sont acceptés"
    advice_en: ClassVar[str] = "write them as elements"
    advice_fr: ClassVar[str] = "écrivez-les comme éléments"

    name: str
    found: int
    most: int


class XmlElementTwice(EpcisRefused):
    """An element that may stand once stands twice."""

    code: ClassVar[str] = "epcis-xml-element-twice"
    en: ClassVar[str] = "{where} has {name} twice"
    fr: ClassVar[str] = "{where} a deux fois {name}"
    advice_en: ClassVar[str] = "keep one of the two"
    advice_fr: ClassVar[str] = "gardez-en un des deux"

    where: str
    name: str


class XmlElementUnknown(EpcisRefused):
    """An element without a namespace is none of the standard at this place."""

    code: ClassVar[str] = "epcis-xml-element-unknown"
    en: ClassVar[str] = "{where} may not hold {name}"
    fr: ClassVar[str] = "{where} ne peut contenir {name}"
    advice_en: ClassVar[str] = "check the spelling, or give the element a namespace of its own"
    advice_fr: ClassVar[str] = "vérifiez l'orthographe, ou donnez à l'élément son espace de noms"

    where: str
    name: str


class XmlNumberWrong(EpcisRefused):
    """An element that holds a number holds something else."""

    code: ClassVar[str] = "epcis-xml-number-wrong"
    en: ClassVar[str] = "{where} is {text}, which is no number"
    fr: ClassVar[str] = "{where} vaut {text}, qui n'est pas un nombre"
    advice_en: ClassVar[str] = "write a plain decimal number"
    advice_fr: ClassVar[str] = "écrivez un nombre décimal simple"

    where: str
    text: str


class XmlUnwritable(EpcisRefused):
    """A value can be said in JSON but not in EPCIS XML."""

    code: ClassVar[str] = "epcis-xml-unwritable"
    en: ClassVar[str] = "{where} cannot be written as XML"
    fr: ClassVar[str] = "{where} ne peut s'écrire en XML"
    advice_en: ClassVar[str] = "ask for JSON, or leave out characters and lists that XML lacks"
    advice_fr: ClassVar[str] = "demandez du JSON, ou omettez caractères et listes que XML n'a pas"

    where: str
