"""GS1 identification keys as EPC URIs and as GS1 Digital Link URIs, and the way between the two."""

from lodeline.exchange.gs1.key import Gs1Key
from lodeline.exchange.gs1.link import canonical_link, read_link
from lodeline.exchange.gs1.urn import read_urn

__all__ = ["Gs1Key", "canonical_link", "read_link", "read_urn"]
