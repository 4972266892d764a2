"""Why a table or a row of it is refused: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = [
    "CellFormula",
    "CellMissing",
    "CellNotAllowed",
    "CellNotNumber",
    "ColumnMissing",
    "ColumnTwice",
    "ColumnUnknown",
    "RowsDisagree",
    "SheetBroken",
    "SheetEmpty",
    "SheetKindUnknown",
    "SheetRefused",
    "SheetTooLarge",
]


class SheetRefused(LodelineError):
    """Family: a table, or a row of it, cannot be taken."""

    status: ClassVar[int] = 400


class SheetBroken(SheetRefused):
    """A file that is no workbook and no CSV text, or holds what neither should."""

    code: ClassVar[str] = "sheet-broken"
    en: ClassVar[str] = "the file is no table that can be read: {reason}"
    fr: ClassVar[str] = "le fichier n'est pas un tableau lisible : {reason}"
    advice_en: ClassVar[str] = "save it again as .xlsx, or as CSV in UTF-8"
    advice_fr: ClassVar[str] = "enregistrez-le à nouveau en .xlsx, ou en CSV UTF-8"

    reason: str


class SheetTooLarge(SheetRefused):
    """A file that has, or would unpack to, more than is read."""

    code: ClassVar[str] = "sheet-too-large"
    en: ClassVar[str] = "the table has {found} {unit}, at most {most} are read"
    fr: ClassVar[str] = "le tableau a {found} {unit}, au plus {most} sont lus"
    advice_en: ClassVar[str] = "split it, and take out what is no row of the template"
    advice_fr: ClassVar[str] = "divisez-le, et ôtez ce qui n'est pas une ligne du modèle"
    status: ClassVar[int] = 413

    found: int
    unit: str
    most: int


class SheetEmpty(SheetRefused):
    """A table without a row."""

    code: ClassVar[str] = "sheet-empty"
    en: ClassVar[str] = "the table has no rows under its head"
    fr: ClassVar[str] = "le tableau n'a aucune ligne sous son en-tête"
    advice_en: ClassVar[str] = "fill in the rows from the third on; the first two are the head"
    advice_fr: ClassVar[str] = "remplissez à partir de la troisième ligne, sous l'en-tête"


class SheetKindUnknown(SheetRefused):
    """No template has that name."""

    code: ClassVar[str] = "sheet-kind-unknown"
    en: ClassVar[str] = "there is no template for “{kind}”"
    fr: ClassVar[str] = "il n'y a pas de modèle pour « {kind} »"
    advice_en: ClassVar[str] = "take one of: {known}"
    advice_fr: ClassVar[str] = "prenez l'un de : {known}"
    status: ClassVar[int] = 404

    kind: str
    known: tuple[str, ...]


class ColumnUnknown(SheetRefused):
    """A column that the template does not have."""

    code: ClassVar[str] = "sheet-column-unknown"
    en: ClassVar[str] = "the column “{column}” means nothing here"
    fr: ClassVar[str] = "la colonne « {column} » n'a pas de sens ici"
    advice_en: ClassVar[str] = "use the template's columns: {known}"
    advice_fr: ClassVar[str] = "prenez les colonnes du modèle : {known}"

    column: str
    known: tuple[str, ...]


class ColumnMissing(SheetRefused):
    """A column that the template needs and the table does not have."""

    code: ClassVar[str] = "sheet-column-missing"
    en: ClassVar[str] = "the column “{column}” is missing"
    fr: ClassVar[str] = "la colonne « {column} » manque"
    advice_en: ClassVar[str] = "take the head from the template as it is"
    advice_fr: ClassVar[str] = "reprenez l'en-tête du modèle tel quel"

    column: str


class ColumnTwice(SheetRefused):
    """A column that stands there twice."""

    code: ClassVar[str] = "sheet-column-twice"
    en: ClassVar[str] = "the column “{column}” stands there twice"
    fr: ClassVar[str] = "la colonne « {column} » figure deux fois"
    advice_en: ClassVar[str] = "remove one of them"
    advice_fr: ClassVar[str] = "ôtez l'une d'elles"

    column: str


class CellMissing(SheetRefused):
    """A cell that must be filled in."""

    code: ClassVar[str] = "sheet-cell-missing"
    en: ClassVar[str] = "“{column}” is empty"
    fr: ClassVar[str] = "« {column} » est vide"
    advice_en: ClassVar[str] = "fill it in"
    advice_fr: ClassVar[str] = "remplissez-la"

    column: str


class CellFormula(SheetRefused):
    """A cell with a formula, whose value nobody here knows."""

    code: ClassVar[str] = "sheet-cell-formula"
    en: ClassVar[str] = "“{column}” is a formula"
    fr: ClassVar[str] = "« {column} » est une formule"
    advice_en: ClassVar[str] = "paste its value instead"
    advice_fr: ClassVar[str] = "collez sa valeur à la place"

    column: str


class CellNotNumber(SheetRefused):
    """A cell that should be a number, exact and positive."""

    code: ClassVar[str] = "sheet-cell-not-number"
    en: ClassVar[str] = "“{column}” is “{found}”, which is no exact number of 0 or more"
    fr: ClassVar[str] = "« {column} » est « {found} », qui n'est pas un nombre exact, 0 ou plus"
    advice_en: ClassVar[str] = "write at most 15 digits, a point for decimals, no space, no unit"
    advice_fr: ClassVar[str] = "15 chiffres au plus, un point décimal, ni espace ni unité"

    column: str
    found: str


class CellNotAllowed(SheetRefused):
    """A cell with a word that cannot stand there."""

    code: ClassVar[str] = "sheet-cell-not-allowed"
    en: ClassVar[str] = "“{column}” cannot be “{found}”"
    fr: ClassVar[str] = "« {column} » ne peut être « {found} »"
    advice_en: ClassVar[str] = "write: {allowed}"
    advice_fr: ClassVar[str] = "écrivez : {allowed}"

    column: str
    found: str
    allowed: str


class RowsDisagree(SheetRefused):
    """Two rows of one event that say different things of it."""

    code: ClassVar[str] = "sheet-rows-disagree"
    en: ClassVar[str] = "“{column}” of event {event} is “{found}” here and “{first}” in row {row}"
    fr: ClassVar[str] = (
        "« {column} » de l'événement {event} : « {found} » ici, « {first} » ligne {row}"
    )
    advice_en: ClassVar[str] = "give the rows of one event the same value, or another event number"
    advice_fr: ClassVar[str] = "donnez la même valeur aux lignes d'un événement, ou un autre numéro"

    column: str
    event: str
    found: str
    first: str
    row: int
