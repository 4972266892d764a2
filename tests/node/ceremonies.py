"""Founders with keys and files, each on a machine of its own as far as a folder can be one."""

from dataclasses import dataclass, field
from pathlib import Path

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.holder.keystore import HolderKeys, Passphrase
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import parse_time
from lodeline.node.ceremony import FoundingPlan, FoundingSignature, MemberFile, sign_plan
from lodeline.node.ceremony_steps import Reached, make_keys
from lodeline.node.founding import MemberSpec, member_record
from lodeline.node.keyring import Keyring
from lodeline.node.validator_home import make_validator_keys, public_part
from lodeline.node.workspace import Workspace

GENESIS = parse_time("2026-11-24T12:00:00Z")
NAMES = ("mine", "refinery", "smelter", "auditor")
PASSPHRASE = Passphrase.typed("a passphrase for tests")

TABLE = """
chain: cobalt-trial
title: Cobalt Trial
genesis_time: 2026-11-24T12:00:00Z
members:
  - mine.member.json
  - refinery.member.json
  - smelter.member.json
  - auditor.member.json
"""


@dataclass
class Ceremony:
    """Founders whose files are in memory."""

    folder: Path
    keys: dict[MemberId, HolderKeys] = field(default_factory=dict)
    files: dict[MemberId, MemberFile] = field(default_factory=dict)

    def home(self, name: str) -> ValidatorHome:
        return ValidatorHome(self.folder / name)

    def add(self, name: str, *, validates: bool = True) -> MemberFile:
        spec = MemberSpec.parse(f"{name}:The {name} company:CD:auditor")
        keys = HolderKeys.generate((), SystemEntropy())
        validator = None
        if validates:
            make_validator_keys(self.home(name), SystemEntropy())
            validator = public_part(
                self.home(name), spec.member, f"{name}.example:26656", f"https://{name}.example"
            )
        self.keys[spec.member] = keys
        file = MemberFile(member_record(spec, keys, votes=True), validator)
        self.files[spec.member] = file
        return file

    def plan(self, **changes: object) -> FoundingPlan:
        values: dict[str, object] = {
            "chain": ChainId("cobalt-trial"),
            "title": "Cobalt Trial",
            "time": GENESIS,
            "members": tuple(self.files.values()),
        }
        return FoundingPlan(**{**values, **changes})  # type: ignore[arg-type]  # tests name fields

    def signed(self, plan: FoundingPlan) -> list[FoundingSignature]:
        return [sign_plan(plan, member, keys.signing, {}) for member, keys in self.keys.items()]


def ceremony(folder: Path, *, validators: int = 4) -> Ceremony:
    """Founders of whom so many run a validator."""
    made = Ceremony(folder)
    for number, name in enumerate(NAMES):
        made.add(name, validates=number < validators)
    return made


@dataclass(frozen=True)
class Machine:
    """The machine of one founder: a workspace and a validator's home."""

    member: MemberId
    workspace: Workspace
    home: ValidatorHome
    keyring: Keyring


def machine(folder: Path, name: str) -> Machine:
    """A machine on which nothing is yet."""
    workspace = Workspace(folder / name)
    keyring = Keyring(workspace, lambda _: PASSPHRASE, SystemEntropy())
    return Machine(
        MemberId(name), workspace, ValidatorHome(workspace.folder / "validator"), keyring
    )


def made_keys(machine: Machine, post: Path, *, validates: bool = True) -> Path:
    """The member's public file, put where everybody finds it."""
    spec = MemberSpec.parse(f"{machine.member}:The {machine.member} company:CD:auditor")
    name = machine.member
    reached = Reached(machine.home, f"{name}.example:26656", f"https://{name}.example")
    return make_keys(machine.keyring, spec, reached if validates else None, post, SystemEntropy())
