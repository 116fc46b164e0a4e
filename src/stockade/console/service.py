"""The application: authenticate, authorize, read the body within bounds, run in a thread, answer JSON.

Errors are problem details (RFC 9457). What is not foreseen is a 500 that says nothing, and goes to standard error.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from stockade.config import BadConfig, Loaded
from stockade.console.access import authenticate, authorize, credential
from stockade.console.description import describe
from stockade.console.operation import PREFIX, Asked, Body, Operation, Refused
from stockade.console.resources import OPERATIONS
from stockade.grants import BadClient
from stockade.identity import NoSuchKey, NoSuchUser
from stockade.identity.certificates import AuthorityExists, NoAuthority, NoSuchCertificate
from stockade.identity.clients import NoSuchClient
from stockade.identity.mendable import CREDENTIAL_ERRORS
from stockade.identity.office import Office, open_office
from stockade.identity.partners import NoSuchPartner, PartnerExists
from stockade.identity.users import BadChoice, BadUser
from stockade.networks import BadNetwork
from stockade.payloads import BadPayload, read_json
from stockade.stores import Conflict
from stockade.vocabulary import StoreError
from stockade.wire import problem

MAX_BODY: Final = 64 << 10  # bytes
_PATIENCE: Final = 10.0  # seconds for a body to arrive
_FAREWELL: Final = 60.0  # seconds until the office of an old policy is closed
_AT_ONCE: Final = 8  # requests that are worked on
_BAD: tuple[type[Exception], ...] = (BadNetwork, BadUser, BadChoice, BadClient, *CREDENTIAL_ERRORS)
_MISSING = (NoSuchKey, NoSuchPartner, NoSuchCertificate, NoSuchUser, NoSuchClient)
_TAKEN = (PartnerExists, AuthorityExists, NoAuthority, Conflict)
_FIELDS = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))


class Console:
    """`routes` for the admin server; `keep` for its housekeeping. current: the policy that runs."""

    def __init__(self, current: Callable[[], Loaded]) -> None:
        self._current = current
        self._stack = ExitStack()
        self._opened: tuple[Loaded, Office] | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._opening = asyncio.Lock()

    def routes(self) -> Sequence[BaseRoute]:
        routes: list[BaseRoute] = [Route("/openapi.json", self._described, methods=["GET"])]
        paths = dict.fromkeys(operation.path for operation in OPERATIONS)
        for path in paths:
            own = {each.method: each for each in OPERATIONS if each.path == path}
            routes.append(Route(path, _endpoint(self, own), methods=["GET", "POST", "PATCH", "PUT", "DELETE"]))
        return [Mount(PREFIX, app=Router(routes, redirect_slashes=False, default=_nowhere))]

    async def keep(self, pause: float = 600.0) -> None:
        """Write new revocation lists when half of the old ones' time is over."""
        while True:
            try:
                office = await self._office()
                await asyncio.to_thread(_renew_lists, office, time.time())
            except (StoreError, BadConfig, OSError) as error:
                sys.stderr.write(f"stockade: the revocation lists cannot be renewed: {error}\n")
            await asyncio.sleep(pause)

    def close(self) -> None:
        self._stack.close()

    async def _office(self) -> Office:
        """Opened anew when the policy was."""
        async with self._opening:
            loaded = self._current()
            if self._opened is None or self._opened[0] is not loaded:
                stack = ExitStack()
                office = await asyncio.to_thread(stack.enter_context, open_office(loaded))
                if self._opened is not None:  # somebody may still be at work in it
                    asyncio.get_running_loop().call_later(_FAREWELL, self._stack.close)
                self._stack, self._opened = stack, (loaded, office)
            return self._opened[1]

    async def _described(self, request: Request) -> Response:
        async def answer() -> Response:
            await self._caller(request)
            return _json(200, describe(OPERATIONS))

        return await _guarded(answer)

    async def _caller(self, request: Request) -> tuple[Office, Any]:
        text = credential(request.headers.raw)
        office = await self._office()
        address = request.client.host if request.client is not None else ""
        return office, await asyncio.to_thread(authenticate, office, text, address, time.time())

    async def answer(self, request: Request, operations: dict[str, Operation]) -> Response:
        async def answer() -> Response:
            async with self._turns:
                office, caller = await self._caller(request)
                operation = operations.get(request.method)
                if operation is None:
                    allowed = ", ".join(sorted(operations))
                    raise Refused(405, f"This can be asked with {allowed}.")
                authorize(caller, operation)
                body = await _read(request, operation.body)
                asked = Asked(office, caller, time.time(), _path(request), _query(request, operation), body)
                return _json(operation.status, await asyncio.to_thread(operation.run, asked))

        return await _guarded(answer)


def _endpoint(console: Console, operations: dict[str, Operation]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await console.answer(request, operations)

    return endpoint


def _renew_lists(office: Office, at: float) -> None:
    if office.certificates.lists_due(at):
        office.certificates.write_lists(at)


# Reading.


async def _read(request: Request, kind: type[Body] | None) -> Body | None:
    """The body, judged. Raises Refused."""
    if kind is None:
        return None
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for piece in request.stream():
                data += piece
                if len(data) > MAX_BODY:
                    raise Refused(413, f"The body may have {MAX_BODY} bytes at most.")
    except TimeoutError:
        raise Refused(408, "The body did not arrive in time.") from None
    except ClientDisconnect:
        raise Refused(400, "The body is not complete.") from None
    if data and media != "application/json":
        raise Refused(415, "The body must be application/json.")
    try:
        return kind.model_validate(read_json(bytes(data) or b"{}"))
    except BadPayload as error:
        errors = [{"pointer": fault.pointer, "detail": fault.message} for fault in error.faults]
        raise Refused(400, "The body cannot be read in one way alone.", errors=errors) from None
    except ValidationError as error:
        raise _unlike(error) from None


def _unlike(error: ValidationError) -> Refused:
    errors = [{"pointer": _pointer(each["loc"]), "detail": each["msg"]} for each in error.errors(include_url=False)]
    return Refused(422, "The body is not as it must be.", errors=errors[:50])


def _pointer(place: Sequence[str | int]) -> str:
    """RFC 6901, shortened: a name comes from the asker."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1")[:64] for part in place)


def _path(request: Request) -> dict[str, str]:
    """Raises Refused: nothing has a name with control characters, and not every database can be asked for it."""
    found = {name: str(value) for name, value in request.path_params.items()}
    if not all(text.isprintable() for text in found.values()):
        raise Refused(404, "Nothing has that name.")
    return found


def _query(request: Request, operation: Operation) -> dict[str, str]:
    """Each parameter once, and none that is not known. Raises Refused."""
    pairs = request.query_params.multi_items()
    names = [name for name, _ in pairs]
    printable = all(text.isprintable() for _, text in pairs)
    if len(set(names)) < len(names) or not set(names) <= set(operation.query) or not printable:
        raise Refused(400, f"The query may have {', '.join(operation.query) or 'nothing'}, each once.")
    return dict(pairs)


# Answering.


async def _guarded(answer: Callable[[], Any]) -> Response:
    """What was raised, as the answer that it means."""
    try:
        response: Response = await answer()
    except Refused as refused:
        return _problem(refused.status, refused.detail, **refused.members)
    except _MISSING as error:
        return _problem(404, str(error))
    except _TAKEN as error:
        return _problem(409, "That is taken already." if isinstance(error, Conflict) else str(error))
    except (StoreError, BadConfig):
        return _problem(503, "The database cannot be used now.")
    except OSError as error:
        return _problem(503, f"A file cannot be written: {error.strerror}.")
    except _BAD as error:
        return _problem(422, str(error))
    except Exception:  # noqa: BLE001 - the admin server must go on, and say nothing of its insides
        sys.stderr.write(traceback.format_exc())
        return _problem(500, "Something went wrong here.")
    return response


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    await _problem(404, "Nothing is here.")(scope, receive, send)


def _json(status: int, value: Any) -> Response:
    return Response(msgspec.json.encode(value), status, dict(_FIELDS), "application/json")


def _problem(status: int, detail: str, **members: Any) -> Response:
    made = problem(status, detail, "", **members)
    fields = dict(_FIELDS) | ({"www-authenticate": 'Bearer realm="stockade"'} if status == 401 else {})
    return Response(made.body, status, fields, "application/problem+json")
