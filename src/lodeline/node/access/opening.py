"""Access to the store of a folder, with the issuer of identities that its settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lodeline.node.access.authenticating import Access
from lodeline.node.access.issuer import HttpFetch, Issuer
from lodeline.node.access.openid import OpenId
from lodeline.node.access.openid_settings import read_openid_settings
from lodeline.node.events.store import EventStore

__all__ = ["OPENID_FILE", "opened_access"]

OPENID_FILE: Final = "openid.toml"
"""Name of the settings in the folder of the node; without it there are local accounts alone."""


@contextmanager
def opened_access(store: EventStore, folder: Path) -> Iterator[Access]:
    """Give access to a store, and to the issuer of the folder's settings; close what was opened.

    Nothing is fetched before somebody shows a token of the issuer, or signs in there.

    Raises:
        FileUnreadable, OpenIdSettingWrong, RoleUnknown, AccessNameMalformed: the settings.
    """
    path = folder / OPENID_FILE
    if not path.exists():
        yield Access(store)
        return
    settings = read_openid_settings(path)
    fetch = HttpFetch(settings.issuer)
    try:
        yield Access(
            store, foreign=OpenId(settings, Issuer(settings.issuer, fetch, store.clock), store)
        )
    finally:
        fetch.close()
