"""Refusals of votes about validators: keys, number, pace."""

from __future__ import annotations

from lodeline.kernel.ids import MemberId, MemberKey, SiteId
from lodeline.ledger.refusals_governance import GovernanceRefused

__all__ = [
    "KeyOfValidator",
    "LastValidator",
    "MemberStillValidates",
    "NoValidator",
    "TooManyValidators",
    "ValidatorChangesTooMany",
    "ValidatorKeyOfMember",
    "ValidatorKeyOfSite",
    "ValidatorKeyRetired",
    "ValidatorKeyTaken",
    "ValidatorKeysEqual",
    "ValidatorRefused",
    "ValidatorUnchanged",
]


class ValidatorRefused(GovernanceRefused):
    """Family of everything for which an act about validators is refused."""


class ValidatorKeysEqual(ValidatorRefused):
    """One key for consensus and for checkpoints."""

    member: MemberId
    key: MemberKey

    code = "validator-keys-equal"
    en = "the validator of “{member}” has one key, {key}, for consensus and for checkpoints"
    fr = (
        "le validateur de « {member} » a une même clé, {key}, pour le consensus et les points de "
        "contrôle"
    )
    advice_en = "generate a key for each purpose"
    advice_fr = "générez une clé pour chaque usage"


class ValidatorUnchanged(ValidatorRefused):
    """A validator that is set to what it is."""

    member: MemberId

    code = "validator-unchanged"
    en = "the validator of “{member}” has these keys and this address already"
    fr = "le validateur de « {member} » a déjà ces clés et cette adresse"
    advice_en = "leave the act out"
    advice_fr = "omettez l'acte"


class ValidatorKeyTaken(ValidatorRefused):
    """A key that a validator uses, or the same one for its other purpose."""

    key: MemberKey
    member: MemberId

    code = "validator-key-taken"
    en = "the key {key} is in use by the validator of “{member}”"
    fr = "la clé {key} est utilisée par le validateur de « {member} »"
    advice_en = "generate a fresh key; if nobody but you should have this one, find out who does"
    advice_fr = "générez une clé neuve ; si vous seul deviez avoir celle-ci, cherchez qui l'a"


class ValidatorKeyRetired(ValidatorRefused):
    """A key that a validator used once: evidence of old misconduct would hit the new user."""

    key: MemberKey
    member: MemberId

    code = "validator-key-retired"
    en = "the key {key} was once the validator's of “{member}” and never comes back"
    fr = "la clé {key} fut celle du validateur de « {member} » et ne revient jamais"
    advice_en = "generate a fresh key"
    advice_fr = "générez une clé neuve"


class ValidatorKeyOfMember(ValidatorRefused):
    """A validator's key that is a member's signing key."""

    key: MemberKey
    member: MemberId

    code = "validator-key-of-member"
    en = "the key {key} is the signing key of “{member}”"
    fr = "la clé {key} est la clé de signature de « {member} »"
    advice_en = "generate a key for the validator alone"
    advice_fr = "générez une clé pour le seul validateur"


class ValidatorKeyOfSite(ValidatorRefused):
    """A validator's key that is a facility's."""

    key: MemberKey
    site: SiteId

    code = "validator-key-of-site"
    en = "the key {key} is that of the site “{site}”"
    fr = "la clé {key} est celle du site « {site} »"
    advice_en = "generate a key for the validator alone"
    advice_fr = "générez une clé pour le seul validateur"


class KeyOfValidator(ValidatorRefused):
    """A member's or site's key that a validator uses or used."""

    key: MemberKey
    member: MemberId

    code = "key-of-validator"
    en = "the key {key} is or was the validator's of “{member}”"
    fr = "la clé {key} est ou fut celle du validateur de « {member} »"
    advice_en = "generate a fresh key"
    advice_fr = "générez une clé neuve"


class TooManyValidators(ValidatorRefused):
    """More validators than agreement is made for."""

    limit: int
    found: int

    code = "too-many-validators"
    en = "there would be {found} validators; {limit} are allowed"
    fr = "il y aurait {found} validateurs ; {limit} sont admis"
    advice_en = "remove a validator first, or let the member follow the ledger without one"
    advice_fr = "retirez d'abord un validateur, ou laissez le membre suivre le registre sans"


class NoValidator(ValidatorRefused):
    """A validator to be removed that is not there."""

    member: MemberId

    code = "no-validator"
    en = "“{member}” has no validator"
    fr = "« {member} » n'a pas de validateur"
    advice_en = "leave the act out"
    advice_fr = "omettez l'acte"


class LastValidator(ValidatorRefused):
    """The last validator is to be removed."""

    member: MemberId

    code = "last-validator"
    en = "the validator of “{member}” is the last one; without it nothing could be decided again"
    fr = "le validateur de « {member} » est le dernier ; sans lui rien ne se déciderait plus"
    advice_en = "set another validator first, by an earlier vote"
    advice_fr = "instituez d'abord un autre validateur, par un vote antérieur"


class ValidatorChangesTooMany(ValidatorRefused):
    """A vote that changes so many validators that others lose sight of the set."""

    validators: int
    limit: int
    members: tuple[MemberId, ...]

    code = "validator-changes-too-many"
    en = "of {validators} validators one vote may change {limit}; this one changes {members}"
    fr = "de {validators} validateurs un vote peut en changer {limit} ; celui-ci change {members}"
    advice_en = "change them by several votes, each after the one before has taken effect"
    advice_fr = "changez-les par plusieurs votes, chacun après l'effet du précédent"


class MemberStillValidates(ValidatorRefused):
    """A member that is to be removed while its validator decides."""

    member: MemberId

    code = "member-still-validates"
    en = "“{member}” still runs a validator and cannot be removed before it"
    fr = "« {member} » a encore un validateur et ne peut être retiré avant lui"
    advice_en = "remove its validator by the same vote or an earlier one"
    advice_fr = "retirez son validateur par le même vote ou un vote antérieur"
