"""What a customer does: look, search, log in, order. Nobody is ever asked who they are."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse

from shop.data import Shop, hash_password
from shop.schemas import (
    Credentials,
    Error,
    Order,
    OrderDraft,
    Product,
    ProductPage,
    Redeemed,
    Redemption,
    Session,
    UserChanges,
    UserProfile,
)

router = APIRouter()
Row = TypeVar("Row")


def _opened(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def missing(what: str) -> HTTPException:
    return HTTPException(404, f"no such {what}")


def found(rows: dict[int, Row], number: int, what: str) -> Row:
    if number not in rows:
        raise missing(what)
    return rows[number]


TheShop = Annotated[Shop, Depends(_opened)]
Id = Annotated[int, Path(alias="id", ge=1)]
Asking = Annotated[int, Header(alias="x-stockade-principal", include_in_schema=False)]
"""Who is asking, as the gateway says."""
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Error, "description": "There is none with this id."}}


# Products


@router.get("/products", tags=["products"], summary="List the products, page by page")
async def list_products(
    shop: TheShop,
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1)] = 10,  # Careless: API4:2023 Unrestricted Resource Consumption. No largest page.
) -> ProductPage:
    rows = list(shop.products.values())
    start = (page - 1) * size
    return ProductPage(items=rows[start : start + size], page=page, size=size, total=len(rows))


@router.get("/products/{id}", tags=["products"], summary="Show one product", responses=NOT_FOUND)
async def get_product(shop: TheShop, product_id: Id) -> Product:
    return found(shop.products, product_id, "product")


@router.get("/search", tags=["products"], summary="Find products by name", response_model=list[Product])
async def search_products(shop: TheShop, q: Annotated[str, Query(max_length=500, examples=["lamp"])]) -> JSONResponse:
    # Careless: API8:2023 Security Misconfiguration. SQL pasted together, whose errors the client reads in full.
    # (Injection itself was API8:2019 and has no item of its own in 2023.)
    sql = f"SELECT id, name, price FROM products WHERE name LIKE '%{q}%' ORDER BY 1"
    rows = shop.database.execute(sql).fetchall()
    return JSONResponse([{"id": id_, "name": name, "price": price} for id_, name, price in rows])


# Users


@router.post(
    "/login",
    tags=["users"],
    summary="Exchange e-mail and password for a token",
    responses={401: {"model": Error, "description": "Unknown e-mail or wrong password."}},
)
async def log_in(shop: TheShop, credentials: Credentials) -> Session:
    # Careless: API2:2023 Broken Authentication. Any number of attempts, and the answer tells which e-mails exist.
    user = next((user for user in shop.users.values() if user.email == credentials.email), None)
    if user is None:
        raise HTTPException(401, "unknown user")
    if user.password_hash != hash_password(credentials.password):
        raise HTTPException(401, "wrong password")
    return Session(token=f"session-{user.id}")


@router.get("/users/{id}", tags=["users"], summary="Show one user", response_model=UserProfile, responses=NOT_FOUND)
async def get_user(shop: TheShop, user_id: Id) -> JSONResponse:
    # Careless: API1:2023 Broken Object Level Authorization and API3:2023 Broken Object Property Level Authorization.
    # Anybody may read anybody, all fields of the row, although the document promises a UserProfile.
    return JSONResponse(vars(found(shop.users, user_id, "user")))


@router.patch("/users/{id}", tags=["users"], summary="Change one user", response_model=UserProfile, responses=NOT_FOUND)
async def update_user(shop: TheShop, user_id: Id, changes: UserChanges) -> JSONResponse:
    # Careless: API3:2023 Broken Object Property Level Authorization. Mass assignment: {"role": "admin"} works.
    user = found(shop.users, user_id, "user")
    vars(user).update(changes.model_dump(exclude_unset=True))
    return JSONResponse(vars(user))


# Orders


@router.get("/orders", tags=["orders"], summary="List the orders")
async def list_orders(shop: TheShop, user_id: Annotated[int | None, Query(ge=1)] = None) -> list[Order]:
    # Careless: API1:2023 Broken Object Level Authorization. Everybody's orders, at one go.
    return [order for order in shop.orders.values() if user_id in (None, order.user_id)]


@router.get("/orders/{id}", tags=["orders"], summary="Show one order", responses=NOT_FOUND)
async def get_order(shop: TheShop, order_id: Id) -> Order:
    # Careless: API1:2023 Broken Object Level Authorization. Whose order it is does not matter.
    return found(shop.orders, order_id, "order")


@router.post("/orders", tags=["orders"], summary="Place an order", status_code=201, responses=NOT_FOUND)
async def place_order(shop: TheShop, draft: OrderDraft) -> Order:
    # Careless: API1:2023 Broken Object Level Authorization. The body says who pays.
    found(shop.users, draft.user_id, "user")
    if not all(item.product_id in shop.products for item in draft.items):
        raise missing("product")
    return shop.place(draft.user_id, draft.items)


@router.post("/coupons/redeem", tags=["orders"], summary="Redeem a coupon on an order", responses=NOT_FOUND)
async def redeem_coupon(shop: TheShop, redemption: Redemption) -> Redeemed:
    # Careless: API6:2023 Unrestricted Access to Sensitive Business Flows. Any coupon, any number of times.
    order, percent = shop.orders.get(redemption.order_id), shop.coupons.get(redemption.code)
    if order is None or percent is None:
        raise missing("order" if order is None else "coupon")
    discount = order.total * percent // 100
    order.total -= discount
    return Redeemed(order_id=order.id, discount=discount, total=order.total)
