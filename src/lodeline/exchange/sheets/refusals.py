"""Why a table or a row of it is refused: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = [
    "CellFormula",
    "CellMissing",
    "CellNotAllowed",
    "CellNotNumber",
    "CellOverHundred",
    "CellsMerged",
    "ColumnMissing",
    "ColumnTwice",
    "ColumnUnknown",
    "RowTooLong",
    "RowsDisagree",
    "SheetBroken",
    "SheetDeclares",
    "SheetEmpty",
    "SheetFormUnknown",
    "SheetKindUnknown",
    "SheetNotUtf8",
    "SheetRefused",
    "SheetTooLarge",
    "ZoneUnknown",
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


class SheetNotUtf8(SheetRefused):
    """A text, or a part of a workbook, in another encoding than UTF-8."""

    code: ClassVar[str] = "sheet-not-utf8"
    en: ClassVar[str] = "{name} is not in UTF-8: byte {position} is not"
    fr: ClassVar[str] = "{name} n'est pas en UTF-8 : l'octet {position} ne l'est pas"
    advice_en: ClassVar[str] = "save it as “CSV UTF-8”, or as an .xlsx workbook"
    advice_fr: ClassVar[str] = "enregistrez-le en « CSV UTF-8 », ou en classeur .xlsx"

    name: str
    position: int


class SheetDeclares(SheetRefused):
    """A part of a workbook whose XML declares something, as no spreadsheet program writes it."""

    code: ClassVar[str] = "sheet-declares"
    en: ClassVar[str] = "{name} declares entities or a document type"
    fr: ClassVar[str] = "{name} déclare des entités ou un type de document"
    advice_en: ClassVar[str] = "save it again with a spreadsheet program"
    advice_fr: ClassVar[str] = "enregistrez-le à nouveau avec un tableur"

    name: str


class CellsMerged(SheetRefused):
    """A workbook with merged cells, of which all but one are empty however they look."""

    code: ClassVar[str] = "sheet-cells-merged"
    en: ClassVar[str] = "{name} has merged cells: rows under them would lose their values"
    fr: ClassVar[str] = "{name} a des cellules fusionnées : des lignes y perdraient leurs valeurs"
    advice_en: ClassVar[str] = "unmerge them and write the value into every row"
    advice_fr: ClassVar[str] = "défusionnez-les et écrivez la valeur dans chaque ligne"

    name: str


class RowTooLong(SheetRefused):
    """A row with more cells than the head has columns."""

    code: ClassVar[str] = "sheet-row-too-long"
    en: ClassVar[str] = "row {row} has something beyond the last of {columns} columns"
    fr: ClassVar[str] = "la ligne {row} a du contenu au-delà de la dernière des {columns} colonnes"
    advice_en: ClassVar[str] = "clear the cells that are under no head"
    advice_fr: ClassVar[str] = "videz les cellules qui ne sont sous aucun en-tête"

    row: int
    columns: int


class ZoneUnknown(SheetRefused):
    """A time zone that is neither an offset nor a name that this machine knows."""

    code: ClassVar[str] = "sheet-zone-unknown"
    en: ClassVar[str] = "“{zone}” is no time zone that is known here"
    fr: ClassVar[str] = "« {zone} » n'est pas un fuseau horaire connu ici"
    advice_en: ClassVar[str] = "write an offset such as +02:00, or a name such as Africa/Lubumbashi"
    advice_fr: ClassVar[str] = "écrivez un décalage tel que +02:00, ou un nom : Africa/Lubumbashi"

    zone: str


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


class SheetFormUnknown(SheetRefused):
    """A template is wanted under a name that is neither of a workbook nor of CSV."""

    code: ClassVar[str] = "sheet-form-unknown"
    en: ClassVar[str] = "{name} ends neither in .xlsx nor in .csv"
    fr: ClassVar[str] = "{name} ne finit ni par .xlsx ni par .csv"
    advice_en: ClassVar[str] = "name the file with one of the two"
    advice_fr: ClassVar[str] = "donnez au fichier l'une de ces deux fins"

    name: str


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


class CellOverHundred(SheetRefused):
    """A per cent cell that is more than a whole."""

    code: ClassVar[str] = "sheet-cell-over-hundred"
    en: ClassVar[str] = "“{column}” is {found} %, more than the whole"
    fr: ClassVar[str] = "« {column} » vaut {found} %, plus que le tout"
    advice_en: ClassVar[str] = "write per cent, at most 100"
    advice_fr: ClassVar[str] = "écrivez des pour cent, 100 au plus"

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
