"""What OPTIONS tells of each address: methods, versions, forms and limits (EPCIS 2.0, 12.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Final

from starlette.responses import Response

from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.negotiation import CBV_VERSION, EPCIS_VERSION, CbvFormat, EpcFormat
from lodeline.web.operations import EPCIS_MEDIA, Answer, Open, Operation, by_path

__all__ = ["with_discovery"]

_HEADERS: Final = (
    "Allow",
    "GS1-EPCIS-Version",
    "GS1-EPCIS-Min",
    "GS1-EPCIS-Max",
    "GS1-CBV-Version",
    "GS1-CBV-Min",
    "GS1-CBV-Max",
    "GS1-EPC-Format",
    "GS1-CBV-XML-Format",
    "GS1-Vendor-Version",
)


def with_discovery(operations: Iterable[Operation]) -> Sequence[Operation]:
    """Return operations, and one for OPTIONS at each of their paths."""
    listed = tuple(operations)
    found = by_path(listed)
    return (*listed, *(_discovery(path, beside) for path, beside in found.items()))


def _discovery(path: str, beside: Sequence[Operation | Open]) -> Operation:
    methods = [operation.method for operation in beside]
    told = _Told(["OPTIONS", *methods, *(["HEAD"] if "GET" in methods else [])], path)
    return Operation(
        method="OPTIONS",
        path=path,
        summary="Tell what this address does.",
        handler=told,
        scope=None,
        gives=EPCIS_MEDIA,
        parameters=beside[0].path_parameters,
        answers=(Answer(204, "It stands in the headers.", None, _HEADERS),),
    )


class _Told:
    """Answers OPTIONS at one address."""

    def __init__(self, methods: Sequence[str], path: str) -> None:
        self._allow = ", ".join(methods)
        self._captures = path in {"/capture", "/events"}

    def __call__(self, asked: Asked) -> Response:
        """Answer one request."""
        headers = {
            **epcis_headers(),
            "Allow": self._allow,
            "GS1-EPCIS-Min": EPCIS_VERSION,
            "GS1-EPCIS-Max": EPCIS_VERSION,
            "GS1-CBV-Min": CBV_VERSION,
            "GS1-CBV-Max": CBV_VERSION,
            "GS1-EPC-Format": EpcFormat.NO_PREFERENCE.value,
            "GS1-CBV-XML-Format": CbvFormat.NO_PREFERENCE.value,
            "GS1-Vendor-Version": f"lodeline-{version('lodeline')}",
        }
        if asked.extensions:
            headers["GS1-Extensions"] = ", ".join(
                f"{prefix}={namespace}" for prefix, namespace in asked.extensions.items()
            )
        if self._captures:
            limits = asked.service.settings.capture
            headers |= {
                "GS1-EPCIS-Capture-Limit": str(limits.events),
                "GS1-EPCIS-Capture-File-Size-Limit": str(limits.bytes),
                "GS1-Capture-Error-Behaviour": "all",
            }
        return Response(status_code=204, headers=headers)
