"""The end of OAuth clients together with the partner whose they are: no new token, and none of the old is good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sql

from stockade.grants import Revocation
from stockade.identity.service.settings import LONGEST_ACCESS
from stockade.stores.clients import CLIENTS
from stockade.stores.tokens import revoking


def end_clients(clients: Iterable[str], at: float) -> Iterator[sql.Executable]:
    """The statements, to be written with what else must happen at the same moment. Those that are gone stay gone."""
    for client in clients:
        yield sql.update(CLIENTS).where(CLIENTS.c.id == client, CLIENTS.c.disabled.is_(None)).values(disabled=at)
        yield revoking(Revocation(f"client:{client}", at, at + LONGEST_ACCESS + 60.0))
