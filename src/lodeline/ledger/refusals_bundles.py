"""Refusals of bundles: what makes a stranger put a file aside."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, Hash32, LotId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId

__all__ = [
    "BundleDamaged",
    "BundleGenesisMissing",
    "BundleGovernanceIncomplete",
    "BundleLotSpent",
    "BundleLotUnknown",
    "BundleNotOne",
    "BundleOfAnotherConsortium",
    "BundleOutOfOrder",
    "BundleRefused",
    "BundleStateDiffers",
    "BundleStopForm",
    "BundleStopTooLate",
    "BundleStopUnfounded",
    "BundleTimeDiffers",
    "BundleTooLarge",
    "BundleTooManyEntries",
    "BundleTooOld",
    "ClaimOfAnotherLot",
    "ClaimsWithoutReader",
    "ProductNotOpened",
]


class BundleRefused(LodelineError):
    """Family of the reasons for which a bundle does not convince."""


class BundleNotOne(BundleRefused):
    """Bytes that do not begin like a bundle."""

    size: int

    code = "bundle-not-one"
    en = "these {size} bytes are no bundle"
    fr = "ces {size} octets ne sont pas un dossier"
    advice_en = "choose the .bundle file that the seller gave you"
    advice_fr = "choisissez le fichier .bundle que le vendeur vous a remis"


class BundleDamaged(BundleRefused):
    """A bundle whose content does not hash to what its head says."""

    stated: Hash32
    computed: Hash32

    code = "bundle-damaged"
    en = "the content hashes to {computed}, the file says {stated}"
    fr = "le contenu a l'empreinte {computed}, le fichier dit {stated}"
    advice_en = "copy the file again; a single changed bit is enough"
    advice_fr = "recopiez le fichier ; un seul bit changé suffit"


class BundleTooLarge(BundleRefused):
    """A bundle longer than any that is read."""

    size: int
    limit: int

    code = "bundle-too-large"
    en = "the bundle has {size} bytes, at most {limit} are read"
    fr = "le dossier a {size} octets, on en lit au plus {limit}"
    advice_en = "ask for a bundle that stops at an earlier checkpoint"
    advice_fr = "demandez un dossier qui s'arrête à un point de contrôle antérieur"


class BundleOutOfOrder(BundleRefused):
    """Entries that are not in the order of the log, each once."""

    before: int
    after: int

    code = "bundle-out-of-order"
    en = "the entry {after} stands after the entry {before}"
    fr = "l'écriture {after} vient après l'écriture {before}"
    advice_en = "ask for a bundle that was made from the log"
    advice_fr = "demandez un dossier fait à partir du journal"


class BundleTimeDiffers(BundleRefused):
    """An entry that is later than the checkpoint that holds it."""

    entry: BlockTime
    checkpoint: BlockTime

    code = "bundle-time-differs"
    en = "an entry of {entry} is in a log that was signed at {checkpoint}"
    fr = "une écriture de {entry} figure dans un journal signé à {checkpoint}"
    advice_en = "do not rely on it; ask the members which log is theirs"
    advice_fr = "ne vous y fiez pas ; demandez aux membres quel est leur journal"


class BundleTooOld(BundleRefused):
    """A bundle whose checkpoint is older than the reader accepts."""

    time: BlockTime
    oldest: BlockTime

    code = "bundle-too-old"
    en = "the checkpoint is of {time}; you asked for {oldest} or later"
    fr = "le point de contrôle est de {time} ; vous demandiez {oldest} ou plus tard"
    advice_en = "ask for a fresh bundle"
    advice_fr = "demandez un dossier récent"


class BundleGenesisMissing(BundleRefused):
    """A bundle that does not begin with the genesis of the log."""

    index: int

    code = "bundle-genesis-missing"
    en = "the first entry is leaf {index}, not the genesis"
    fr = "la première écriture est la feuille {index}, non l'écriture fondatrice"
    advice_en = "ask for a complete bundle"
    advice_fr = "demandez un dossier complet"


class BundleOfAnotherConsortium(BundleRefused):
    """A log that was founded by another genesis than the one the reader trusts."""

    expected: EntryId
    found: EntryId

    code = "bundle-of-another-consortium"
    en = "the log was founded by {found}, you trust {expected}"
    fr = "le journal a été fondé par {found}, vous faites confiance à {expected}"
    advice_en = "check whose trust file you use"
    advice_fr = "vérifiez de qui est votre fichier de confiance"


class BundleGovernanceIncomplete(BundleRefused):
    """A bundle that keeps an act of governance back."""

    acts: int

    code = "bundle-governance-incomplete"
    en = "the {acts} acts of governance shown are not all that the state counts"
    fr = "les {acts} actes de gouvernance montrés ne sont pas tous ceux que compte l'état"
    advice_en = "ask for a complete bundle; a suspension may be missing"
    advice_fr = "demandez un dossier complet ; une suspension peut manquer"


class BundleStopUnfounded(BundleRefused):
    """A bundle that stops at an earlier checkpoint and takes no lot from it, or its own lot."""

    lots: int

    code = "bundle-stop-unfounded"
    en = "the bundle stops at an earlier checkpoint, which is no use for these {lots} lots"
    fr = "le dossier s'arrête à un point de contrôle antérieur, inutile pour ces {lots} lots"
    advice_en = "ask for a bundle that was made by the program"
    advice_fr = "demandez un dossier fait par le programme"


class BundleStopForm(BundleRefused):
    """A credit taken on trust: whether it was carried on before would not be shown."""

    lot: LotId
    form: FormName

    code = "bundle-stop-form"
    en = "the lot {lot} of “{form}” is credit and cannot be taken on trust"
    fr = "le lot {lot} de « {form} » est un crédit et ne peut être pris de confiance"
    advice_en = "ask for a bundle that shows where the credit came from"
    advice_fr = "demandez un dossier qui montre d'où vient le crédit"


class BundleStopTooLate(BundleRefused):
    """An entry after the earlier checkpoint whose lots were taken on trust before it."""

    lot: LotId
    size: int
    index: int

    code = "bundle-stop-too-late"
    en = "the lot {lot}, trusted at log size {size}, is used by the earlier leaf {index}"
    fr = (
        "le lot {lot}, admis à la taille {size} du journal, est employé par la feuille "
        "antérieure {index}"
    )
    advice_en = "ask for a bundle that was made by the program"
    advice_fr = "demandez un dossier fait par le programme"


class BundleLotUnknown(BundleRefused):
    """A bundle about a lot that none of its entries makes."""

    lot: LotId

    code = "bundle-lot-unknown"
    en = "no entry of the bundle makes the lot {lot}"
    fr = "aucune écriture du dossier ne crée le lot {lot}"
    advice_en = "ask for a complete bundle"
    advice_fr = "demandez un dossier complet"


class BundleLotSpent(BundleRefused):
    """A bundle about a lot that is used up."""

    lot: LotId

    code = "bundle-lot-spent"
    en = "the lot {lot} was used up"
    fr = "le lot {lot} a été consommé"
    advice_en = "ask for a bundle of what became of it"
    advice_fr = "demandez un dossier de ce qu'il est devenu"


class ProductNotOpened(BundleRefused):
    """A product whose identifier the bundle does not open, or an opening of something else."""

    lot: LotId
    identifier: str

    code = "product-not-opened"
    en = "the lot {lot} is not bound to the product “{identifier}”"
    fr = "le lot {lot} n'est pas lié au produit « {identifier} »"
    advice_en = "compare the identifier with the one on the product, and ask for its own bundle"
    advice_fr = "comparez l'identifiant avec celui du produit, et demandez son propre dossier"


class ClaimOfAnotherLot(BundleRefused):
    """A claim in the bundle that speaks of other lots."""

    lot: LotId
    found: tuple[LotId, ...]

    code = "claim-of-another-lot"
    en = "the bundle is about {lot}, the claim about {found}"
    fr = "le dossier porte sur {lot}, la déclaration sur {found}"
    advice_en = "ask for a claim about this very product"
    advice_fr = "demandez une déclaration sur ce produit même"


class ClaimsWithoutReader(BundleRefused):
    """Claims that nobody said he is the reader of."""

    claims: int

    code = "claims-without-reader"
    en = "the bundle holds {claims} claims, made for readers with a name"
    fr = "le dossier contient {claims} déclarations, faites pour des lecteurs nommés"
    advice_en = "say who you are, as you did when you asked for them"
    advice_fr = "dites qui vous êtes, comme lors de votre demande"


class BundleStateDiffers(BundleRefused):
    """A bundle to be made from another state than the checkpoint's."""

    checkpoint: Hash32
    state: Hash32

    code = "bundle-state-differs"
    en = "the checkpoint is of the state {checkpoint}, at hand is {state}"
    fr = "le point de contrôle est de l'état {checkpoint}, l'état présent est {state}"
    advice_en = "sign a checkpoint of the present log first"
    advice_fr = "signez d'abord un point de contrôle du journal actuel"


class BundleTooManyEntries(BundleRefused):
    """A past with more entries than a bundle can hold."""

    found: int
    limit: int

    code = "bundle-too-many-entries"
    en = "the past of this lot has {found} entries, a bundle holds {limit}"
    fr = "le passé de ce lot a {found} écritures, un dossier en tient {limit}"
    advice_en = "let the bundle stop at an earlier checkpoint"
    advice_fr = "faites arrêter le dossier à un point de contrôle antérieur"
