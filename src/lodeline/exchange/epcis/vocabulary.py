"""Words of the Core Business Vocabulary and their three spellings.

JSON writes a standard word bare (``shipping``), XML as a URN (``urn:epcglobal:cbv:bizstep:…``),
and hash ids as a Web URI (``https://ref.gs1.org/cbv/BizStep-…``). Stored events have the bare
word. The words themselves are those of the bundled schema (CBV 2.0, section 7).
"""

from dataclasses import dataclass

__all__ = [
    "ALERT",
    "BIZ_STEP",
    "COMPONENT",
    "DISPOSITION",
    "ERROR_REASON",
    "MEASUREMENT",
    "SOURCE_DESTINATION",
    "TRANSACTION",
    "Vocabulary",
    "web_uri_of_urn",
]

_CBV = "https://ref.gs1.org/cbv/"
_VOC = "https://gs1.org/voc/"
_NEW_VOC = "https://ref.gs1.org/voc/"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One list of words, and what stands before each in its long forms."""

    web: str
    """Web URI, up to the word."""
    urn: str
    """XML spelling, up to the word: a URN, or a CURIE of GS1's web vocabulary."""
    others: tuple[str, ...]
    """Further long forms that are read, never written."""

    def bare(self, text: str) -> str:
        """Return the bare word of any spelling; a text of another vocabulary as it is.

        Not checked: whether a bare word exists; the schema does that.
        """
        if ":" not in text:
            return text
        for head in (self.web, self.urn, *self.others):
            if text.startswith(head):
                return text[len(head) :]
        return text

    def uri(self, text: str) -> str:
        """Return the Web URI of a bare word; a text that has a colon as it is."""
        return text if ":" in text else self.web + text

    def xml(self, text: str) -> str:
        """Return the XML spelling of a bare word; a text that has a colon as it is."""
        return text if ":" in text else self.urn + text


def _cbv(part: str, urn: str) -> Vocabulary:
    return Vocabulary(
        f"{_CBV}{part}-",
        f"urn:epcglobal:cbv:{urn}:",
        (f"cbv:{part}-", f"http://ref.gs1.org/cbv/{part}-", f"https://ns.gs1.org/cbv/{part}-"),
    )


def _voc() -> Vocabulary:
    return Vocabulary(_VOC, "gs1:", (_NEW_VOC, "https://www.gs1.org/voc/", "http://gs1.org/voc/"))


BIZ_STEP = _cbv("BizStep", "bizstep")
DISPOSITION = _cbv("Disp", "disp")
TRANSACTION = _cbv("BTT", "btt")
SOURCE_DESTINATION = _cbv("SDT", "sdt")
ERROR_REASON = _cbv("ER", "er")
MEASUREMENT = _voc()
ALERT = _voc()
COMPONENT = Vocabulary(f"{_CBV}Comp-", "cbv:Comp-", (f"http{_CBV[5:]}Comp-",))

_URNS = {
    words.urn: words.web
    for words in (BIZ_STEP, DISPOSITION, TRANSACTION, SOURCE_DESTINATION, ERROR_REASON)
}


def web_uri_of_urn(text: str) -> str:
    """Return the Web URI of a CBV word written as a URN; any other text as it is (CBV 8.9.3)."""
    if not text.startswith("urn:epcglobal:cbv:"):
        return text
    for urn, web in _URNS.items():
        if text.startswith(urn):
            return web + text[len(urn) :]
    return text
