"""The shapes of the shop as its OpenAPI document states them. Money is in cents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Cents = Annotated[int, Field(ge=0, description="An amount of money in cents.", examples=[1999])]
TEAMS = ("amber", "birch", "cedar", "delta")
Status = Literal["placed", "paid", "shipped", "delivered"]


class Strict(BaseModel):
    """A request body in which unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Product(BaseModel):
    id: int
    name: str
    price: Cents


class ProductPage(BaseModel):
    items: list[Product]
    page: int
    size: int
    total: Annotated[int, Field(description="How many products there are on all pages.")]


class Item(Strict):
    product_id: Annotated[int, Field(ge=1, examples=[3])]
    quantity: Annotated[int, Field(ge=1, le=100, examples=[2])]


class OrderDraft(Strict):
    user_id: Annotated[int, Field(ge=1, examples=[1])]
    items: Annotated[list[Item], Field(min_length=1, max_length=50)]


class Order(BaseModel):
    id: int
    user_id: int
    items: list[Item]
    total: Cents
    status: Status


# What the document promises of a user. The shop answers far more (data.User); a docstring would tell the document.
class UserProfile(BaseModel):
    id: int
    name: str


# The document refuses further fields; the code takes them all.
class UserChanges(BaseModel):
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    name: Annotated[str, Field(max_length=100)] | None = None
    email: Annotated[str, Field(max_length=200)] | None = None
    address: Annotated[str, Field(max_length=200)] | None = None
    phone: Annotated[str, Field(max_length=30)] | None = None


class DocumentDraft(Strict):
    title: Annotated[str, Field(max_length=200, examples=["Returns"])]


class Document(BaseModel):
    id: int
    user_id: int
    title: str
    readers: list[int]


class Project(BaseModel):
    id: int
    team: str
    title: str


class TeamName(Strict):
    team: Annotated[str, Field(max_length=40, examples=["amber"])]


# The document refuses further fields; the code takes them all.
class OrderChanges(BaseModel):
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    items: Annotated[list[Item], Field(min_length=1, max_length=50)] | None = None


class RoleName(Strict):
    role: Literal["customer", "support", "admin"]


class Recipient(Strict):
    user_id: Annotated[int, Field(ge=1, examples=[2])]


class Credentials(Strict):
    email: Annotated[str, Field(max_length=200, examples=["ada.lind@example.com"])]
    password: Annotated[str, Field(max_length=200, examples=["correct-horse-1"])]


class Session(BaseModel):
    token: str


class Redemption(Strict):
    code: Annotated[str, Field(max_length=40, examples=["WELCOME10"])]
    order_id: Annotated[int, Field(ge=1, examples=[1])]


class Redeemed(BaseModel):
    order_id: int
    discount: Cents
    total: Cents


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Uploaded(BaseModel):
    bytes: int


class Error(BaseModel):
    detail: str
