"""HTTP: the token service as a small ASGI application.

It stands behind the gateway, and believes what that says of certificates; whoever can reach it directly could say
anything, so it listens on a socket that the gateway alone can open.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stockade.grants import MAX_FORM, Refusal, read_form
from stockade.identity.service import authorizing, pages, token_endpoint
from stockade.identity.service.authorizing import Redirect, Visit
from stockade.identity.service.pages import Page
from stockade.identity.service.service import Service
from stockade.identity.service.settings import Caller
from stockade.identity.service.tickets import new_browser
from stockade.identity.service.token_endpoint import Posted
from stockade.vocabulary import StoreError

_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_FRESH = {"cache-control": "public, max-age=300"}
_CALLER = "x-stockade-peer-"
Clock: TypeAlias = Callable[[], float]
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Step: TypeAlias = Callable[[Service, Visit], Page | Redirect]
Work: TypeAlias = Callable[[Service, Posted], dict[str, Any]]


def application(service: Service, clock: Clock = time.time) -> Starlette:
    """Under the issuer's path, and at the two well-known places. clock: epoch seconds."""
    base = service.settings.path
    routes = [
        Route(f"{base}/.well-known/openid-configuration", _metadata(service), methods=["GET"]),
        Route(f"/.well-known/oauth-authorization-server{base}", _metadata(service), methods=["GET"]),
        Route(f"{base}/oauth2/jwks", _jwks(service, clock), methods=["GET"]),
    ]
    endpoints: dict[str, Work] = {
        "token": token_endpoint.token,
        "introspect": token_endpoint.introspection,
        "revoke": token_endpoint.revocation,
    }
    if service.people is not None:
        endpoints["device_authorization"] = token_endpoint.device_authorization
        routes += _browser_routes(service, clock)
    for name, work in endpoints.items():
        routes.append(Route(f"{base}/oauth2/{name}", _posted(service, work, clock), methods=["POST"]))
    return Starlette(routes=routes)


def _browser_routes(service: Service, clock: Clock) -> list[Route]:
    base = service.settings.path
    shown: dict[str, Step] = {"authorize": authorizing.begin, "device": authorizing.begin_device}
    answered: dict[str, Step] = {
        "login": authorizing.log_in,
        "factor": authorizing.second_factor,
        "passkey": authorizing.passkey,
        "consent": authorizing.consent,
        "device": authorizing.device,
        "device/consent": authorizing.device_consent,
    }
    if service.settings.enrolment:
        shown["passkeys"], answered["passkeys"] = authorizing.begin_enrolment, authorizing.new_passkey
    return [
        Route(f"{base}/oauth2/passkey.js", _script, methods=["GET"]),
        *(
            Route(f"{base}/oauth2/{name}", _visited(service, step, clock), methods=["GET"])
            for name, step in shown.items()
        ),
        *(
            Route(f"{base}/oauth2/{name}", _visited(service, step, clock), methods=["POST"])
            for name, step in answered.items()
        ),
    ]


# What programs ask.


def _metadata(service: Service) -> Handler:
    document = service.metadata()

    async def answer(_: Request) -> Response:
        return JSONResponse(document, headers=_FRESH)

    return answer


def _jwks(service: Service, clock: Clock) -> Handler:
    async def answer(_: Request) -> Response:
        try:
            keys = await run_in_threadpool(service.keys.published, clock())
        except StoreError:
            return _not_now()
        return JSONResponse({"keys": keys}, headers=_FRESH, media_type="application/jwk-set+json")

    return answer


def _posted(service: Service, work: Work, clock: Clock) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            posted = await _read_posted(request, clock())
            return JSONResponse(await run_in_threadpool(work, service, posted), headers=_NO_STORE)
        except Refusal as refusal:
            told = {"error": refusal.error, "error_description": refusal.text}
            challenge = {"www-authenticate": refusal.challenge} if refusal.challenge else {}
            return JSONResponse(told, refusal.status, {**_NO_STORE, **challenge, **dict(refusal.fields)})
        except StoreError:
            return _not_now()

    return answer


def _not_now() -> Response:
    told = {"error": "temporarily_unavailable", "error_description": "try again in a moment"}
    return JSONResponse(told, 503, {**_NO_STORE, "retry-after": "5"})


async def _read_posted(request: Request, at: float) -> Posted:
    if request.url.query:
        raise Refusal("invalid_request", "parameters stand in the body, where no log keeps them")
    form = await _read_form(request)
    lines = request.headers.getlist("authorization")
    if len(lines) > 1:
        raise Refusal("invalid_request", "there is more than one credential")
    return Posted(form, lines[0] if lines else None, request.headers.getlist("dpop"), _caller(request), at)


async def _read_form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refusal("invalid_request", f"the body must be {_FORM}")
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_FORM:
            break
    return read_form(data)


def _caller(request: Request) -> Caller:
    """As the control `peer` has it told; what a client says of these is taken away there."""
    named = {name: unquote(request.headers.get(_CALLER + name, "")) for name in Caller.__struct_fields__}
    return Caller(**named)


# What browsers ask.


async def _script(_: Request) -> Response:
    headers = {**_FRESH, "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin"}
    return Response(pages.SCRIPT, headers=headers, media_type="text/javascript")


def _visited(service: Service, step: Step, clock: Clock) -> Handler:
    name = "__Host-stockade" if service.settings.secure else "stockade"

    async def answer(request: Request) -> Response:
        browser = request.cookies.get(name, "")[:64]
        fresh = "" if browser else new_browser()
        try:
            query = read_form(request.url.query.encode()) if request.method == "GET" else await _read_form(request)
            # A page begins with a cookie; an answer must bring it.
            known = (browser or fresh) if request.method == "GET" else browser
            shown = await run_in_threadpool(step, service, Visit(query, known, clock(), _caller(request).address))
        except Refusal as refusal:
            shown = pages.told("That did not work", refusal.text, refusal.status)
        except StoreError:
            shown = pages.told("Not now", "Try again in a moment.", 503)
        response = _response(shown)
        if fresh and request.method == "GET":
            secure = service.settings.secure
            response.set_cookie(name, fresh, path="/", secure=secure, httponly=True, samesite="lax")
        return response

    return answer


def _response(shown: Page | Redirect) -> Response:
    if isinstance(shown, Redirect):
        headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "location": shown.url}
        return Response(status_code=303, headers=headers)
    return Response(shown.html, shown.status, dict(shown.headers), "text/html; charset=utf-8")
