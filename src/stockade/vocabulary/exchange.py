"""One request and its response, with all that was learned of them: what every hook is handed."""

from __future__ import annotations

from msgspec import Struct

from stockade.vocabulary.principals import Principal
from stockade.vocabulary.verdicts import Proofs, Texts
from stockade.wire import Request, Response, problem


class Exchange(Struct, gc=False):
    """One request and its response as the controls see them. The Session alone writes to it."""

    request: Request
    api: str
    operation: str
    client: str  # address, after trusted proxies were believed
    principal: Principal | None = None
    request_body: bytes = b""
    response: Response | None = None
    response_body: bytes = b""
    calls: int = 1  # of the operation; this and those below: see Pass
    proofs: Proofs | None = None
    texts: Texts | None = None
    unknown: Texts | None = None
    risk: int = 0  # 0 to 100: how suspicious the controls before have found it

    def problem(self, status: int, detail: str, *headers: tuple[str, str], **members: object) -> Response:
        """A problem-details response (RFC 9457) that carries this request's id."""
        return problem(status, detail, self.request.id, headers, **members)
