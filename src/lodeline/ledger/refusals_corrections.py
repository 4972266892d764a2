"""Refusals of reversals, corrections, re-grants and recalls."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, LotId, MemberId, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId

__all__ = [
    "AlreadyRecalled",
    "AlreadyReversed",
    "AuditorNotIndependent",
    "CorrectionBeyond",
    "CorrectionNotReversible",
    "CorrectionRefused",
    "CorrectionSigners",
    "CorrectionTransformDiffers",
    "CorrectionWithoutLots",
    "NotRecalled",
    "NotTheIssuer",
    "OfferStillOpen",
    "RecallNotAllowed",
    "ReplacementDiffers",
    "ReplacementNotReversible",
    "RestoredCountWrong",
    "TransformUnknown",
]


class CorrectionRefused(LodelineError):
    """Family of the reasons for which an undoing, correcting or recalling entry is refused."""


class TransformUnknown(CorrectionRefused):
    """A transform that the ledger does not have."""

    transform: TransformId

    code = "transform-unknown"
    en = "there is no transform {transform}"
    fr = "il n'y a pas de transformation {transform}"
    advice_en = "name a transform that was accepted"
    advice_fr = "nommez une transformation acceptée"


class CorrectionNotReversible(CorrectionRefused):
    """A reversal of a corrective transform."""

    transform: TransformId

    code = "correction-not-reversible"
    en = "the transform {transform} is a correction and cannot be reversed"
    fr = "la transformation {transform} est une correction et ne peut être annulée"
    advice_en = "correct it by another correction"
    advice_fr = "corrigez-la par une autre correction"


class ReplacementNotReversible(CorrectionRefused):
    """A reversal of a grant that replaced another one."""

    transform: TransformId

    code = "replacement-not-reversible"
    en = "the grant {transform} replaced another one and cannot be reversed"
    fr = "l'octroi {transform} en a remplacé un autre et ne peut être annulé"
    advice_en = "replace it by a further grant"
    advice_fr = "remplacez-le par un nouvel octroi"


class AlreadyReversed(CorrectionRefused):
    """A transform that was reversed before."""

    transform: TransformId
    by: Hash32

    code = "already-reversed"
    en = "the transform {transform} was reversed by {by}"
    fr = "la transformation {transform} a été annulée par {by}"
    advice_en = "nothing is to be done"
    advice_fr = "il n'y a rien à faire"


class RestoredCountWrong(CorrectionRefused):
    """Not one restored lot for each input, or not one tag for each output."""

    what: str
    expected: int
    found: int

    code = "restored-count-wrong"
    en = "a reversal of this transform has {expected} {what}, not {found}"
    fr = "l'annulation de cette transformation a {expected} {what}, et non {found}"
    advice_en = "give back every input and give up every output"
    advice_fr = "rendez chaque entrée et cédez chaque sortie"


class CorrectionTransformDiffers(CorrectionRefused):
    """A correction whose body names another transform than the one it carries."""

    stated: TransformId
    computed: TransformId

    code = "correction-transform-differs"
    en = "the correction names the transform {stated}, but carries {computed}"
    fr = "la correction nomme la transformation {stated}, mais porte {computed}"
    advice_en = "make the correction again from the finished transform"
    advice_fr = "refaites la correction à partir de la transformation achevée"


class CorrectionSigners(CorrectionRefused):
    """A correction not signed by exactly one original issuer and then one auditor."""

    found: tuple[MemberId, ...]

    code = "correction-signers"
    en = "a correction is signed by the original issuer and then by an auditor; found {found}"
    fr = "une correction est signée par l'émetteur d'origine puis par un auditeur ; trouvé {found}"
    advice_en = "collect exactly these two signatures"
    advice_fr = "réunissez exactement ces deux signatures"


class NotTheIssuer(CorrectionRefused):
    """A member that did not issue what it wants to correct or recall."""

    member: MemberId
    issuers: tuple[MemberId, ...]

    code = "not-the-issuer"
    en = "“{member}” is not an issuer of it; those are: {issuers}"
    fr = "« {member} » n'en est pas un émetteur ; ce sont : {issuers}"
    advice_en = "let an issuer sign, or name the later transform that your company issued"
    advice_fr = "faites signer un émetteur, ou nommez la transformation ultérieure de votre société"


class AuditorNotIndependent(CorrectionRefused):
    """The auditor of a correction is its issuer."""

    member: MemberId

    code = "auditor-not-independent"
    en = "“{member}” cannot be issuer and auditor of one correction"
    fr = "« {member} » ne peut être émetteur et auditeur d'une même correction"
    advice_en = "let another auditor sign"
    advice_fr = "faites signer un autre auditeur"


class CorrectionBeyond(CorrectionRefused):
    """A correction of a lot that does not come wholly from the transform it corrects."""

    lot: LotId
    transform: TransformId

    code = "correction-beyond"
    en = "the lot {lot} does not come wholly from the transform {transform}"
    fr = "le lot {lot} ne provient pas entièrement de la transformation {transform}"
    advice_en = (
        "name the transform that mixed it: a correction never exceeds what the named transform made"
    )
    advice_fr = (
        "nommez la transformation qui l'a mélangé : une correction ne dépasse jamais ce que "
        "celle-ci a produit"
    )


class CorrectionWithoutLots(CorrectionRefused):
    """A correction that uses no lot up."""

    transform: TransformId

    code = "correction-without-lots"
    en = "the correction of {transform} uses no lot up"
    fr = "la correction de {transform} ne consomme aucun lot"
    advice_en = "name the lots that are wrong"
    advice_fr = "nommez les lots erronés"


class RecallNotAllowed(CorrectionRefused):
    """A member that is neither issuer of the lot, nor auditor, nor authority."""

    member: MemberId
    lot: LotId

    code = "recall-not-allowed"
    en = "“{member}” may not recall {lot}: it is no issuer of it, auditor or authority"
    fr = "« {member} » ne peut rappeler {lot} : ni émetteur, ni auditeur, ni autorité"
    advice_en = "ask an auditor or the issuer to recall it"
    advice_fr = "demandez le rappel à un auditeur ou à l'émetteur"


class AlreadyRecalled(CorrectionRefused):
    """A lot that has a recall of its own."""

    lot: LotId
    member: MemberId

    code = "already-recalled"
    en = "the lot {lot} was recalled by “{member}”"
    fr = "le lot {lot} a été rappelé par « {member} »"
    advice_en = "nothing is to be done"
    advice_fr = "il n'y a rien à faire"


class NotRecalled(CorrectionRefused):
    """A recall to be lifted that is not there."""

    lot: LotId

    code = "not-recalled"
    en = "no recall names the lot {lot}"
    fr = "aucun rappel ne nomme le lot {lot}"
    advice_en = "name the lot that the recall named, not a descendant"
    advice_fr = "nommez le lot que le rappel nommait, non un descendant"


class ReplacementDiffers(CorrectionRefused):
    """A re-granted lot that is not equal to the old one but for its owner."""

    lot: LotId

    code = "replacement-differs"
    en = "the replacement of {lot} must equal it in everything but the owner key"
    fr = "le remplaçant de {lot} doit lui être égal en tout sauf la clé de propriétaire"
    advice_en = "copy the lot from the ledger and change its owner key alone"
    advice_fr = "copiez le lot du registre et n'en changez que la clé de propriétaire"


class OfferStillOpen(CorrectionRefused):
    """A re-grant of a lot that a buyer may still accept."""

    lot: LotId
    offer: EntryId
    deadline: BlockTime

    code = "offer-still-open"
    en = "the lot {lot} is offered by {offer} until {deadline}"
    fr = "le lot {lot} est offert par {offer} jusqu'à {deadline}"
    advice_en = "wait for the deadline, or for the buyer's answer"
    advice_fr = "attendez l'échéance, ou la réponse de l'acheteur"
