"""The application. `create_app` makes one with fresh data; `app` is the one that is served."""

from __future__ import annotations

import traceback

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop import administration, diagnostics, documents, projects, routes
from shop.data import Shop

_TAGS = [
    {"name": "products", "description": "What there is to buy."},
    {"name": "users", "description": "Who buys."},
    {"name": "orders", "description": "What was bought, and for how much."},
    {"name": "documents", "description": "What customers write, share and hand over."},
    {"name": "projects", "description": "What teams work on."},
    {"name": "admin", "description": "What only the shop's own people should do."},
    {"name": "diagnostics", "description": "What tests and operators call."},
    {"name": "streams", "description": "Answers and bodies that take their time."},
]


class CarelessFramework:
    """Boasts of its make in every response and shows its tracebacks to everybody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def boast(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # Careless: API8:2023 Security Misconfiguration. Headers that tell which exploits to try.
                revealing = [(b"server", b"shop/1.0"), (b"x-powered-by", b"careless-framework")]
                message["headers"] = [*message["headers"], *revealing]
            await send(message)

        try:
            await self._app(scope, receive, boast)
        except Exception:
            if started:
                raise
            # Careless: API8:2023 Security Misconfiguration. File names, code and the values in messages.
            await PlainTextResponse(traceback.format_exc(), 500)(scope, receive, boast)


def _operation_id(route: APIRoute) -> str:
    return route.name


def create_app() -> FastAPI:
    app = FastAPI(
        title="Shop",
        version="1.0",
        summary="A small web shop that was written in a hurry.",
        openapi_tags=_TAGS,
        generate_unique_id_function=_operation_id,
    )
    app.state.shop = Shop()
    app.include_router(routes.router)
    app.include_router(documents.router)
    app.include_router(projects.router)
    app.include_router(administration.router)
    app.include_router(diagnostics.router)
    app.add_middleware(CarelessFramework)
    return app


app = create_app()
