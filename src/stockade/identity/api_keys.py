"""The life of an API key: issued, listed, rotated with an overlap, revoked at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Insert

from stockade.networks import NetworkSet
from stockade.redaction import redact
from stockade.stores import KeyStore
from stockade.stores.audit import audit_row
from stockade.stores.keys import insert_key
from stockade.tokens import ApiKeyRecord, digest_api_key, make_api_key, parse_api_key

_ID_BYTES, _SECRET_BYTES = 16, 32
_is_scope = re.compile(r"[!#-\[\]-~]+").fullmatch  # RFC 6749, section 3.3


class NoSuchKey(LookupError):
    """No key has that id."""


class BadGrant(ValueError):
    """An owner or a scope that no header field can carry."""


def check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Raises BadGrant."""
    granted = frozenset(scopes)
    for scope in sorted(granted):
        if _is_scope(scope) is None:
            raise BadGrant(f"{scope!r} is no scope: printable ASCII without blanks, quotes and backslashes")
    return granted


class Issued(Struct, frozen=True):
    """A new key. `text` is the key itself: shown once, kept nowhere."""

    text: str
    record: ApiKeyRecord

    def __repr__(self) -> str:
        return f"Issued({self.record.id})"


class ApiKeys:
    """Issue, list, rotate and revoke. Times are epoch seconds, handed in.

    actor: who does it; named, the change and its row in the audit are one transaction.
    """

    def __init__(self, store: KeyStore, hash_key: bytes) -> None:
        self._store = store
        self._hash_key = hash_key

    def issue(
        self,
        owner: str,
        at: float,
        *,
        scopes: Iterable[str] = (),
        networks: Iterable[str] = (),
        expires: float | None = None,
        actor: str = "",
    ) -> Issued:
        """Raises BadNetwork on a text that is no network, BadGrant on an owner or scope that no header can carry."""
        issued, _ = self.prepare(owner, at, scopes=scopes, networks=networks, expires=expires)
        record = issued.record
        self._store.add(record, *_told(actor, at, "key.issued", record, scopes=sorted(record.scopes)))
        return issued

    def prepare(
        self,
        owner: str,
        at: float,
        *,
        scopes: Iterable[str] = (),
        networks: Iterable[str] = (),
        expires: float | None = None,
    ) -> tuple[Issued, Insert]:
        """A key, and the statement that makes it known, to be written with others. Raises as `issue` does."""
        if not owner or len(owner) > 256 or not owner.isprintable() or owner != owner.strip():
            raise BadGrant("the owner must be 1 to 256 printable characters, without blanks around them")
        granted = check_scopes(scopes)
        allowed = tuple(networks)
        NetworkSet(allowed)
        issued = self._make(owner, at, granted, allowed, expires)
        return issued, insert_key(issued.record)

    def unused(self, at: float, seconds: float) -> Sequence[ApiKeyRecord]:
        """The keys that work, are older than that, and have not been used for so long; the longest unused first."""
        idle = [
            record
            for record in self._store.all()
            if record.refusal(at) is None and at - max(record.created, record.last_used or 0.0) >= seconds
        ]
        return sorted(idle, key=lambda record: max(record.created, record.last_used or 0.0))

    def list(self) -> list[ApiKeyRecord]:
        return self._store.all()

    def rotate(self, key_id: str, at: float, overlap: float, actor: str = "") -> Issued:
        """A successor with the same rights; the old key works for `overlap` more seconds.

        Raises NoSuchKey, also for a key that works no more.
        """
        old = self._find(key_id)
        if old.refusal(at) is not None:
            raise NoSuchKey(f"the key {old.id} does not work any more; issue a new one")
        issued = self._make(old.owner, at, old.scopes, old.networks, old.expires)
        ends = min(at + overlap, old.revoked) if old.revoked is not None else at + overlap
        told = _told(actor, at, "key.rotated", old, successor=issued.record.id)
        self._store.replace(old.id, {"revoked": ends, "replaced_by": issued.record.id}, issued.record, *told)
        return issued

    def rotate_all(
        self, at: float, overlap: float, *, owner: str | None = None, older_than: float = 0.0, actor: str = ""
    ) -> Iterator[tuple[ApiKeyRecord, Issued]]:
        """A successor for every key that works and has none, of that owner, issued so many seconds ago at least.

        Each is there when it is handed out, with the one it replaces: it cannot be shown again.
        """
        for record in self._store.all():
            due = record.replaced_by is None and record.refusal(at) is None and at - record.created >= older_than
            if due and owner in (None, record.owner):
                yield record, self.rotate(record.id, at, overlap, actor)

    def revoke(self, key_id: str, at: float, actor: str = "") -> ApiKeyRecord:
        """From now on, in every worker, it is refused."""
        record = self._find(key_id)
        if record.revoked is None or record.revoked > at:
            self._store.change(record.id, *_told(actor, at, "key.revoked", record), revoked=at)
            record = replace(record, revoked=at)
        return record

    def _find(self, key_id: str) -> ApiKeyRecord:
        """By id, or by the whole key, for that is what people have at hand when one leaks."""
        parsed = parse_api_key(key_id)
        if parsed is not None:
            key_id = parsed.id
        record = self._store.get(key_id)
        if record is None:
            # A key that was mistyped is still most of a secret.
            raise NoSuchKey(f"no key has the id {redact(key_id[:64])}")
        return record

    def _make(
        self, owner: str, at: float, scopes: frozenset[str], networks: tuple[str, ...], expires: float | None
    ) -> Issued:
        text = make_api_key(secrets.token_bytes(_ID_BYTES), secrets.token_bytes(_SECRET_BYTES))
        parsed = parse_api_key(text)
        assert parsed is not None
        record = ApiKeyRecord(
            id=parsed.id,
            owner=owner,
            digest=digest_api_key(self._hash_key, text),
            scopes=scopes,
            networks=networks,
            created=at,
            expires=expires,
            revoked=None,
            replaced_by=None,
            last_used=None,
        )
        return Issued(text, record)


def _told(actor: str, at: float, action: str, record: ApiKeyRecord, **details: object) -> tuple[Insert, ...]:
    return (audit_row(at, actor, action, record.owner, id=record.id, **details),) if actor else ()
