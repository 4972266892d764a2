"""The keys of the members in a workspace, opened when they are needed and kept for one command.

Where a passphrase comes from is the caller's business (a prompt, a file, the environment): the ring
is given a function that returns it. A keystore is opened at most once for each ring; nothing secret
outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lodeline.crypto.entropy import Entropy
from lodeline.holder.keyfile import (
    create_keystore_file,
    read_keystore_file,
    replace_keystore_file,
)
from lodeline.holder.keystore import (
    HolderKeys,
    KeystoreNotOpened,
    Passphrase,
    change_passphrase,
    open_keystore,
    seal_keystore,
)
from lodeline.kernel.ids import MemberId, SiteId
from lodeline.node.workspace import MemberNotHere, Workspace, make_folder

__all__ = ["Keyring", "PassphraseOf"]

PassphraseOf = Callable[[MemberId], Passphrase]
"""Returns the passphrase of a member's keystore, asking for it if need be."""


class Keyring:
    """Opens, makes and replaces keystores of one workspace."""

    def __init__(self, workspace: Workspace, passphrase_of: PassphraseOf, entropy: Entropy) -> None:
        """Open nothing yet."""
        self._workspace = workspace
        self._passphrase_of = passphrase_of
        self._entropy = entropy
        self._open: dict[MemberId, HolderKeys] = {}

    def keys(self, member: MemberId) -> HolderKeys:
        """Return a member's keys.

        Raises:
            MemberNotHere: there is no keystore of this member.
            KeystoreNotOpened: another passphrase, or an altered file.
            KeystoreExposed, KeystoreUnreadable, KdfCostOutside, …: the file cannot be trusted.
        """
        if member not in self._open:
            if member not in self._workspace.members():
                raise MemberNotHere(member, self._workspace.members())
            sealed = read_keystore_file(self._workspace.keystore(member))
            self._open[member] = open_keystore(sealed, self._passphrase_of(member))
        return self._open[member]

    def keys_if_opened_by_same(self, member: MemberId) -> HolderKeys | None:
        """Return a member's keys, or nothing where the passphrase at hand does not open them.

        For acts that several members sign, of whom only some are at this machine.

        Raises:
            MemberNotHere, KeystoreExposed, …: as `keys`, except for the passphrase.
        """
        try:
            return self.keys(member)
        except KeystoreNotOpened:
            return None

    def create(self, member: MemberId, sites: Iterable[SiteId] = ()) -> HolderKeys:
        """Make a member's keys and keep them in a new keystore.

        Raises:
            KeystoreExists: the member has one; nothing was changed.
            PassphraseTooShort: no passphrase for a new keystore.
            KeystoreUnwritable, FileUnwritable: the file cannot be made.
        """
        keys = HolderKeys.generate(sites, self._entropy)
        sealed = seal_keystore(keys, self._passphrase_of(member), self._entropy)
        make_folder(self._workspace.member_folder(member))
        create_keystore_file(self._workspace.keystore(member), sealed)
        self._open[member] = keys
        return keys

    def keys_or_create(self, member: MemberId) -> HolderKeys:
        """Return a member's keys, made now if it has none yet.

        Raises:
            KeystoreNotOpened, KeystoreExposed, …: as `keys`.
            PassphraseTooShort, FileUnwritable, …: as `create`.
        """
        here = self._workspace.members()
        return self.keys(member) if member in here else self.create(member)

    def replace(self, member: MemberId, keys: HolderKeys) -> None:
        """Keep other keys for a member, under the same passphrase.

        Raises:
            KeystoreUnwritable: the file cannot be written; the old one is left.
        """
        sealed = seal_keystore(keys, self._passphrase_of(member), self._entropy)
        replace_keystore_file(self._workspace.keystore(member), sealed)
        self._open[member] = keys

    def stage(self, member: MemberId, keys: HolderKeys) -> None:
        """Keep keys beside the present ones, before the ledger is told of them.

        If the ledger takes them and this process ends before `settle`, they are not lost: the file
        ``keystore.next`` has them, under the same passphrase.

        Raises:
            KeystoreUnwritable: the file cannot be written.
        """
        sealed = seal_keystore(keys, self._passphrase_of(member), self._entropy)
        path = self._next(member)
        if path.exists():
            replace_keystore_file(path, sealed)
        else:
            create_keystore_file(path, sealed)

    def settle(self, member: MemberId, keys: HolderKeys) -> None:
        """Put the keys that were staged in the place of the present ones.

        Raises:
            KeystoreUnwritable: the file cannot be written; both are left.
        """
        self.replace(member, keys)
        self._next(member).unlink(missing_ok=True)

    def _next(self, member: MemberId) -> Path:
        return self._workspace.keystore(member).with_name("keystore.next")

    def change_passphrase(self, member: MemberId, new: Passphrase) -> None:
        """Keep a member's keys under another passphrase.

        Raises:
            KeystoreNotOpened: the passphrase at hand is not the old one.
            PassphraseTooShort: the new one is too short.
        """
        path = self._workspace.keystore(member)
        old = self._passphrase_of(member)
        replace_keystore_file(
            path, change_passphrase(read_keystore_file(path), old, new, self._entropy)
        )
