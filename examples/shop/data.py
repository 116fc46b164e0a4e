"""What the shop holds, in memory, the same at every start: 20 users, 30 products, 60 orders, 4 coupons."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from itertools import product
from typing import get_args

from shop.schemas import TEAMS, Document, Item, Order, Product, Project, Status

_FIRST = ("Ada", "Ben", "Chloe", "Dev", "Elif")
_LAST = ("Lind", "Moreau", "Novak", "Okafor")
_STREETS = ("Harbour Road", "Mill Lane", "Station Street", "Orchard Way")
_GOODS = ("Mug", "Lamp", "Chair", "Kettle", "Blanket", "Clock")
_KINDS = ("Plain", "Oak", "Blue", "Folding", "Grand")
_STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass
class User:
    id: int
    name: str
    email: str
    password_hash: str
    address: str
    role: str
    phone: str


class Shop:
    """One shop; a new one has the data of the start again."""

    def __init__(self) -> None:
        self.users = {user.id: user for user in _users()}
        self.products = {item.id: item for item in _products()}
        self.orders: dict[int, Order] = {}
        self.documents: dict[int, Document] = {}
        self.written = 0  # documents ever
        self.projects: dict[int, Project] = {}
        self.teams = {n: TEAMS[n % len(TEAMS)] for n in self.users}
        self.coupons = {"WELCOME10": 10, "SPRING15": 15, "FRIENDS20": 20, "STAFF50": 50}  # percent
        for n in range(60):
            items = [Item(product_id=(n * 7 + k * 11) % 30 + 1, quantity=(n + k) % 3 + 1) for k in range(n % 3 + 1)]
            self.place(n % 20 + 1, items, _STATUSES[n % 4])
        self.database = self._copy_to_sqlite()

    def place(self, user_id: int, items: list[Item], status: Status = "placed") -> Order:
        """A new order; the products must exist."""
        total = sum(self.products[item.product_id].price * item.quantity for item in items)
        order = Order(id=len(self.orders) + 1, user_id=user_id, items=items, total=total, status=status)
        self.orders[order.id] = order
        return order

    def _copy_to_sqlite(self) -> sqlite3.Connection:
        """The tables that `/search` reads. The users have no business there, as in many a real shop."""
        database = sqlite3.connect(":memory:", check_same_thread=False)
        database.execute("CREATE TABLE products (id INTEGER, name TEXT, price INTEGER)")
        database.execute("CREATE TABLE users (id INTEGER, email TEXT, password_hash TEXT)")
        rows = [(item.id, item.name, item.price) for item in self.products.values()]
        database.executemany("INSERT INTO products VALUES (?, ?, ?)", rows)
        people = [(user.id, user.email, user.password_hash) for user in self.users.values()]
        database.executemany("INSERT INTO users VALUES (?, ?, ?)", people)
        return database


def hash_password(password: str) -> str:
    # Careless: API2:2023 Broken Authentication. A fast hash without salt.
    return hashlib.sha256(password.encode()).hexdigest()


def _users() -> list[User]:
    """User 1 is ada.lind@example.com, whose password is `correct-horse-1`; the last one is the administrator."""
    return [
        User(
            id=n,
            name=f"{first} {last}",
            email=f"{first}.{last}@example.com".lower(),
            password_hash=hash_password(f"correct-horse-{n}"),
            address=f"{n * 3} {_STREETS[n % 4]}, Exampleton",
            role="admin" if n == 20 else "customer",
            phone=f"+1-202-555-01{n:02}",  # a range that is reserved for fiction
        )
        for n, (last, first) in enumerate(product(_LAST, _FIRST), start=1)
    ]


def _products() -> list[Product]:
    return [
        Product(id=n, name=f"{kind} {good}", price=499 + n * 137 % 90 * 100)
        for n, (kind, good) in enumerate(product(_KINDS, _GOODS), start=1)
    ]
