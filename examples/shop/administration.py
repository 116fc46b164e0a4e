"""The area of the shop's own people, and what they do with orders. Nobody is asked who they are."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shop.routes import NOT_FOUND, Id, TheShop, found
from shop.schemas import Order, OrderChanges, RoleName, TeamName, UserProfile

router = APIRouter()


@router.patch("/orders/{id}", tags=["orders"], summary="Change an order", response_model=Order, responses=NOT_FOUND)
async def change_order(shop: TheShop, order_id: Id, changes: OrderChanges) -> Order:
    # Careless: API3:2023 Broken Object Property Level Authorization. {"total": 1} and {"status": "paid"} work.
    given = {**changes.model_dump(exclude_unset=True), **({"items": changes.items} if changes.items else {})}
    shop.orders[order_id] = found(shop.orders, order_id, "order").model_copy(update=given)
    return shop.orders[order_id]


@router.delete("/orders/{id}", tags=["orders"], summary="Cancel an order", status_code=204, responses=NOT_FOUND)
async def cancel_order(shop: TheShop, order_id: Id) -> Response:
    found(shop.orders, order_id, "order").status = "placed"
    return Response(status_code=204)


# Careless, all of these: API5:2023 Broken Function Level Authorization. Anybody may.


@router.get("/admin/users", tags=["admin"], summary="List all users", response_model=list[UserProfile])
async def list_users(shop: TheShop) -> list[UserProfile]:
    return [UserProfile(id=user.id, name=user.name) for user in shop.users.values()]


@router.get("/admin/orders", tags=["admin"], summary="Export all orders")
async def export_orders(shop: TheShop) -> list[Order]:
    return list(shop.orders.values())


@router.post("/admin/users/{id}/role", tags=["admin"], summary="Give somebody a role", responses=NOT_FOUND)
async def give_role(shop: TheShop, user_id: Id, given: RoleName) -> UserProfile:
    user = found(shop.users, user_id, "user")
    user.role = given.role
    return UserProfile(id=user.id, name=user.name)


@router.post("/admin/users/{id}/team", tags=["admin"], summary="Put somebody in a team", responses=NOT_FOUND)
async def join_team(shop: TheShop, user_id: Id, to: TeamName) -> UserProfile:
    user = found(shop.users, user_id, "user")
    shop.teams[user_id] = to.team
    return UserProfile(id=user_id, name=user.name)
