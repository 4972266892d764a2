"""How much an EPCIS document may hold. Readers refuse more, before they spend time on it."""

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_EVENTS = 20_000
"""Events of one document."""
MAX_DEPTH = 32
"""Objects and lists within one another, the document itself counted."""
MAX_TEXT_CHARS = 16_384
"""Characters of one text value."""
MAX_NUMBER_CHARS = 64
"""Characters of one number, written out without an exponent."""
MAX_PREFIXES = 64
"""Namespaces that one document declares."""
