"""What a fault trial finds wrong besides lost receipts and forks."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.node.consensus_rpc import BlockHeight

__all__ = [
    "ClockFollowed",
    "ClockUnseen",
    "FaultUnknown",
    "MisbehaviourUnseen",
    "ProposalTaken",
    "TrialFault",
]


class TrialFault(LodelineError):
    """A fault was not borne as it should be."""


class ProposalTaken(TrialFault):
    """Honest validators let a proposal pass that breaks a rule."""

    proposer: MemberId
    height: BlockHeight
    round: int

    code = "proposal-taken"
    en = "the wrong proposal of {proposer} at height {height} was decided in round {round}"
    fr = "la proposition fautive de {proposer} à la hauteur {height} a été retenue (tour {round})"
    advice_en = "look at what the honest validators logged at this height"
    advice_fr = "regardez ce que les validateurs honnêtes ont journalisé à cette hauteur"


class MisbehaviourUnseen(TrialFault):
    """A validator signed twice, and an application was not told."""

    member: MemberId
    seconds: int

    code = "misbehaviour-unseen"
    en = "no validator recorded within {seconds} s that {member} signed twice"
    fr = "aucun validateur n'a consigné en {seconds} s que {member} a signé deux fois"
    advice_en = "look for evidence in the logs of the validators"
    advice_fr = "cherchez des preuves dans les journaux des validateurs"


class ClockFollowed(TrialFault):
    """The blocks followed the wrong clock of one validator."""

    member: MemberId
    seconds: int

    code = "clock-followed"
    en = "with the clock of {member} an hour ahead, blocks were {seconds} s ahead"
    fr = "avec l'horloge de {member} en avance d'une heure, des blocs avaient {seconds} s d'avance"
    advice_en = "compare the times in the votes of the last blocks"
    advice_fr = "comparez les heures dans les votes des derniers blocs"


class ClockUnseen(TrialFault):
    """No vote of the validator with the wrong clock was counted: nothing has been shown."""

    member: MemberId
    votes: int

    code = "clock-unseen"
    en = "none of {votes} votes has the time of the wrong clock of {member}"
    fr = "aucun des {votes} votes ne porte l'heure de la mauvaise horloge de {member}"
    advice_en = "see in the log of {member} whether it voted at all"
    advice_fr = "regardez dans le journal de {member} s'il a voté"


class FaultUnknown(LodelineError):
    """A name of no fault."""

    name: str
    known: tuple[str, ...]

    code = "fault-unknown"
    en = "there is no fault {name}; there are: {known}"
    fr = "il n'y a pas de panne {name} ; il y a : {known}"
    advice_en = "name one of them, or none for all"
    advice_fr = "nommez-en une, ou aucune pour toutes"
