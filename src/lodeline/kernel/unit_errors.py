"""Why a text or a number is not a quantity: one class a reason."""

from typing import ClassVar

from lodeline.kernel.errors import LodelineError


class QuantityError(LodelineError):
    """Family of all refusals of a quantity."""


class QuantityTooLong(QuantityError):
    """A text is too long to be a quantity."""

    code: ClassVar[str] = "quantity-too-long"
    en: ClassVar[str] = "a text of {length} characters is no quantity; at most {limit} are read"
    fr: ClassVar[str] = (
        "un texte de {length} caractères n'est pas une quantité ; {limit} au plus sont lus"
    )
    advice_en: ClassVar[str] = "give one number and its unit"
    advice_fr: ClassVar[str] = "donnez un nombre et son unité"

    length: int
    limit: int


class UnitMissing(QuantityError):
    """A number stands without a unit."""

    code: ClassVar[str] = "unit-missing"
    en: ClassVar[str] = "{text!r} has no unit"
    fr: ClassVar[str] = "{text!r} n'a pas d'unité"
    advice_en: ClassVar[str] = "write the unit behind the number, one of: {known}"
    advice_fr: ClassVar[str] = "écrivez l'unité après le nombre, parmi : {known}"

    text: str
    known: tuple[str, ...]


class UnitUnknown(QuantityError):
    """The unit is none that this quantity is measured in."""

    code: ClassVar[str] = "unit-unknown"
    en: ClassVar[str] = "{unit!r} is not a unit of this quantity"
    fr: ClassVar[str] = "{unit!r} n'est pas une unité de cette grandeur"
    advice_en: ClassVar[str] = "use one of: {known}; capitals matter"
    advice_fr: ClassVar[str] = "prenez parmi : {known} ; les majuscules comptent"

    unit: str
    known: tuple[str, ...]


class SeparatorAmbiguous(QuantityError):
    """A comma or point may mean thousands or decimals."""

    code: ClassVar[str] = "separator-ambiguous"
    en: ClassVar[str] = "in {text!r} a separator may mean thousands or decimals"
    fr: ClassVar[str] = "dans {text!r}, un séparateur peut marquer les milliers ou les décimales"
    advice_en: ClassVar[str] = "write decimals after a point and thousands without any separator"
    advice_fr: ClassVar[str] = (
        "écrivez les décimales après un point et les milliers sans séparateur"
    )

    text: str


class NegativeQuantity(QuantityError):
    """A quantity is negative."""

    code: ClassVar[str] = "negative-quantity"
    en: ClassVar[str] = "{text!r} is negative"
    fr: ClassVar[str] = "{text!r} est négatif"
    advice_en: ClassVar[str] = "record what leaves as an output, not as a negative amount"
    advice_fr: ClassVar[str] = "notez ce qui sort comme une sortie, non comme une quantité négative"

    text: str


class NotANumber(QuantityError):
    """What stands before the unit is not a plain decimal number."""

    code: ClassVar[str] = "not-a-number"
    en: ClassVar[str] = "{text!r} does not begin with a number"
    fr: ClassVar[str] = "{text!r} ne commence pas par un nombre"
    advice_en: ClassVar[str] = "write digits with at most one decimal point, like 24.60"
    advice_fr: ClassVar[str] = "écrivez des chiffres avec au plus un point décimal, comme 24.60"

    text: str


class NotFinite(QuantityError):
    """Infinity or not-a-number is given as a quantity."""

    code: ClassVar[str] = "not-finite"
    en: ClassVar[str] = "{text!r} is not a finite number"
    fr: ClassVar[str] = "{text!r} n'est pas un nombre fini"
    advice_en: ClassVar[str] = "correct the formula or the sensor that gave it"
    advice_fr: ClassVar[str] = "corrigez la formule ou le capteur qui l'a donné"

    text: str


class ExponentRefused(QuantityError):
    """A number is in scientific notation, which spreadsheets write when they round."""

    code: ClassVar[str] = "exponent-refused"
    en: ClassVar[str] = "{text!r} is in scientific notation"
    fr: ClassVar[str] = "{text!r} est en notation scientifique"
    advice_en: ClassVar[str] = "write all the digits; format the spreadsheet column as text"
    advice_fr: ClassVar[str] = (
        "écrivez tous les chiffres ; mettez la colonne du tableur au format texte"
    )

    text: str


class DigitsNotAscii(QuantityError):
    """A number uses digits other than 0 to 9."""

    code: ClassVar[str] = "digits-not-ascii"
    en: ClassVar[str] = "{text!r} has digits other than 0 to 9"
    fr: ClassVar[str] = "{text!r} contient des chiffres autres que 0 à 9"
    advice_en: ClassVar[str] = "write the number with the digits 0 to 9"
    advice_fr: ClassVar[str] = "écrivez le nombre avec les chiffres 0 à 9"

    text: str


class TooFine(QuantityError):
    """A quantity has more decimals than the ledger keeps."""

    code: ClassVar[str] = "too-fine"
    en: ClassVar[str] = "{text!r} is finer than {finest}, the smallest step of the ledger"
    fr: ClassVar[str] = "{text!r} est plus fin que {finest}, le plus petit pas du registre"
    advice_en: ClassVar[str] = "round it yourself, in the direction that your procedure says"
    advice_fr: ClassVar[str] = "arrondissez vous-même, dans le sens que dit votre procédure"

    text: str
    finest: str


class QuantityOutOfRange(QuantityError):
    """A quantity is larger than the ledger can hold."""

    code: ClassVar[str] = "quantity-out-of-range"
    en: ClassVar[str] = "{quantity} {value} {unit} lies outside 0 to {maximum} {unit}"
    fr: ClassVar[str] = "{quantity} : {value} {unit} sort de l'intervalle 0 à {maximum} {unit}"
    advice_en: ClassVar[str] = "check the unit; split what is really so large"
    advice_fr: ClassVar[str] = "vérifiez l'unité ; divisez ce qui est réellement si grand"

    quantity: str
    value: int
    maximum: int
    unit: str


class ElementMissing(QuantityError):
    """An assay does not end with the symbol of an element."""

    code: ClassVar[str] = "element-missing"
    en: ClassVar[str] = "{text!r} does not say of which element"
    fr: ClassVar[str] = "{text!r} ne dit pas de quel élément"
    advice_en: ClassVar[str] = "write the symbol at the end, like 33.1 % Co"
    advice_fr: ClassVar[str] = "écrivez le symbole à la fin, comme 33.1 % Co"

    text: str
