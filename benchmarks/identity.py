"""What it costs to know who is asking: the whole authentication control, from the request's head to its verdict.

    python benchmarks/identity.py            # prints a table; --write puts it into results.md

Each row is one way of authenticating, its store included (100,000 keys or users in a SQLite file, 100,000 answers of an
issuer at hand), beside a widespread library that does the verification alone, on the same credential in the same run.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import random
import statistics
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import process_time, time
from typing import Any, NamedTuple

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sqlalchemy as sql
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

from benchmarks.report import machine, replace_section, table
from benchmarks.report import number as written
from stockade.controls.authentication import (
    ApiKeys,
    Authentication,
    Basic,
    Guessing,
    Jwts,
    Lockout,
    Logins,
    OAuth2,
    Proven,
    Scheme,
    Signatures,
)
from stockade.engine import drive
from stockade.envelopes import Envelope, KeyRing
from stockade.grants import SigningKey
from stockade.identity import ApiKeys as Issuance
from stockade.operations import OperationTable
from stockade.passwords import Argon2, User
from stockade.signatures import SignatureRules, check_signature, read_signatures
from stockade.stores import (
    OWN,
    Counters,
    Database,
    Introspection,
    Introspector,
    KeySources,
    KeyStore,
    OwnIssuer,
    Source,
    Stores,
    introspection,
)
from stockade.stores.factors import FactorStore
from stockade.stores.issued import IssuedTokens
from stockade.stores.keys import API_KEYS, _row
from stockade.stores.passwords import PasswordChecks
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.users import USERS, UserStore
from stockade.stores.users import _row as _user_row
from stockade.tokens import Claims, JwtRules, VerificationKeys, parse_jwks
from stockade.vocabulary import (
    Ask,
    CheckPassword,
    Exchange,
    FindRevocation,
    IntrospectToken,
    NotePlace,
    Pass,
    Principal,
)
from stockade.wire import Headers, Peer, Request

AT = 1_763_766_422.125
KEYS = TOKENS = USERS_THERE = 100_000
PASSWORD = "correct horse battery staple"
ROUNDS, SECONDS = 7, 0.06  # each round, each side of each row
RESULTS = Path(__file__).with_name("results.md")
HASH_KEY = b"h" * 32
RULES = JwtRules(frozenset({"RS256"}), issuer="https://issuer.example", audience="shop")
SIGNED = '("@method" "@authority" "@path" "@query")'


class Row(NamedTuple):
    """ours, peer: one verification per call; each call of `ours` judges the next of its requests."""

    name: str
    aim: float  # µs
    ours: Callable[[], object]
    peer_name: str = ""
    peer: Callable[[], object] | None = None
    batch: int = 50  # calls between two looks at the clock


def exchange_of(headers: Sequence[tuple[str, str]]) -> Exchange:
    common = [("user-agent", "bench"), ("accept", "*/*"), ("accept-encoding", "gzip")]
    fields = Headers.of([*common, *headers])
    request = Request("r-1", AT, "GET", "https", "shop.example", "/orders/7", "page=2", fields, Peer("198.51.100.7"))
    return Exchange(request, "shop", "GET /orders/{id}", "198.51.100.7")


def judging(
    stores: Stores,
    scheme: Scheme,
    credentials: Sequence[Sequence[tuple[str, str]]],
    answer: Callable[[Ask[Any]], Any] | None = None,
) -> Callable[[], object]:
    """The control's verdict on one request after the other. Raises where one is refused."""
    control = Authentication(realm="shop", any_of=[scheme], anonymous=OperationTable([]))
    following = itertools.cycle([exchange_of(each) for each in credentials]).__next__
    answer = answer or stores.answer

    def judge() -> object:
        verdict = drive(control.on_request(following()), answer)
        if not isinstance(verdict, Pass):
            raise RuntimeError(f"refused: {verdict}")  # noqa: TRY004 - no type is wrong
        return verdict

    return judge


def issued_keys(store: KeyStore) -> list[str]:
    """So many keys in the table; their texts."""
    issuance = Issuance(store, HASH_KEY)
    made = [
        issuance._make(f"owner-{number}", AT - 1000, frozenset({"orders:read"}), (), None) for number in range(KEYS)
    ]
    store.database.write_many(sql.insert(API_KEYS), [_row(each.record) for each in made])
    return [each.text for each in made]


def api_key_rows(folder: Path) -> Iterator[Row]:
    store = KeyStore(folder / "stockade.db")
    texts = issued_keys(store)
    stores = Stores(Counters(), store, KeySources())
    random.Random(5).shuffle(texts)
    for name, aim, number in (
        ("API key, one caller", 6, 1),
        ("API key, 3,000 callers by turns", 6, 3000),
        (f"API key, {KEYS:,} callers by turns: each from the file", float("nan"), KEYS),
    ):
        scheme = ApiKeys(header="X-API-Key", hash_key=HASH_KEY)
        judge = judging(stores, scheme, [[("x-api-key", text)] for text in texts[:number]])
        for _ in range(min(number, 3000)):
            judge()
        yield Row(name, aim, judge)


def token_rows() -> Iterator[Row]:
    key = jwk.RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    claims = {"iss": "https://issuer.example", "aud": "shop", "sub": "alice", "scope": "orders:read", "iat": int(AT)}
    header = {"alg": "RS256", "kid": "k1"}
    tokens = [jwt.encode(header, {**claims, "exp": int(AT) + 600, "jti": f"t{n}"}, key) for n in range(400)]
    keys = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    stores = Stores(Counters(), None, KeySources([Source("issuer", keys=parse_jwks(keys))]))
    headers = [[("authorization", f"Bearer {token}")] for token in tokens]
    known = judging(stores, Jwts(source="issuer", rules=RULES), headers)
    for _ in tokens:
        known()
    yield Row("JWT, verified before", 5, known)
    strange = Forgetful(source="issuer", rules=RULES)
    yield Row("JWT, RS256, first seen", 60, judging(stores, strange, headers), "PyJWT", pyjwt(key, tokens))


class Forgetful(Jwts):
    """Every token is new to it."""

    def _remember(self, credential: str, keys: VerificationKeys, claims: Claims) -> Principal:
        self._verified.clear()
        return super()._remember(credential, keys, claims)


def pyjwt(key: Any, tokens: list[str]) -> Callable[[], object] | None:
    """The same token, key and checks; None where it is not installed."""
    try:
        import jwt as peer
    except ImportError:
        return None
    public, following = key.public_key, itertools.cycle(tokens).__next__
    options: Any = {"verify_exp": False, "verify_iat": False}  # at a time that has passed
    return lambda: peer.decode(
        following(), public, algorithms=["RS256"], audience="shop", issuer="https://issuer.example", options=options
    )


def signature_rows() -> Iterator[Row]:
    key = jwk.OKPKey.generate_key("Ed25519", {"kid": "partner-1"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    stores = Stores(Counters(), None, KeySources([Source("directory", keys=parse_jwks(keys))]))
    headers = []
    for number in range(200):
        params = f'{SIGNED};created={int(AT) - number};keyid="partner-1";alg="ed25519"'
        fields = [("signature-input", f"sig={params}"), ("signature", "sig=:AAAA:")]
        request, rules = exchange_of(fields).request, SignatureRules(components=())
        base = check_signature(read_signatures(request.headers, rules)[0], request, rules, AT)
        signature = b64encode(JWSRegistry.algorithms["EdDSA"].sign(base, key)).decode()
        headers.append([fields[0], ("signature", f"sig=:{signature}:")])
    scheme = Signatures(source="directory", rules=SignatureRules())
    peer = http_message_signatures(key, headers)
    yield Row("RFC 9421, Ed25519, 4 components", 120, judging(stores, scheme, headers), "http-message-signatures", peer)


def http_message_signatures(key: Any, headers: list[list[tuple[str, str]]]) -> Callable[[], object] | None:
    try:
        import http_message_signatures as peer
    except ImportError:
        return None
    import datetime
    from types import SimpleNamespace

    class Resolver(peer.HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:  # noqa: ARG002 - there is one
            return key.public_key

        resolve_private_key = resolve_public_key

    verifier = peer.HTTPMessageVerifier(signature_algorithm=peer.algorithms.ED25519, key_resolver=Resolver())
    url = "https://shop.example/orders/7?page=2"
    messages = [
        SimpleNamespace(
            method="GET",
            url=url,
            headers={"Signature-Input": pairs[0][1], "Signature": pairs[1][1], "Host": "shop.example"},
        )
        for pairs in headers
    ]
    following = itertools.cycle(messages).__next__
    long_ago = datetime.timedelta(days=36500)
    return lambda: verifier.verify(following(), max_age=long_ago)


def introspection_rows() -> Iterator[Row]:
    issuer = Introspector("issuer", RULES, url="https://issuer.example/introspect", cache=3600.0)
    asking = Introspection([issuer])
    tokens = [f"{random.Random(number).getrandbits(256):064x}" for number in range(TOKENS)]
    answer = {"active": True, "sub": "alice", "aud": "shop", "iss": RULES.issuer, "scope": "orders:read"}

    async def say(url: str, introspector: Introspector, token: str) -> bytes:  # noqa: ARG001 - an issuer's answer
        return json.dumps({**answer, "exp": int(AT) + 7200, "jti": token[:8]}).encode()

    async def fill() -> None:
        for token in tokens:
            await asking.find_later(IntrospectToken("issuer", token, AT))

    real, introspection._post = introspection._post, say
    try:
        asyncio.run(fill())
    finally:
        introspection._post = real
    stores = Stores(Counters(), None, KeySources(), asking)
    scheme = OAuth2(source="", rules=RULES, introspection="issuer")
    random.Random(5).shuffle(tokens)
    headers = [[("authorization", f"Bearer {token}")] for token in tokens[:3000]]
    yield Row(f"opaque token, one of {TOKENS:,} that the issuer told of", 6, judging(stores, scheme, headers))


def user_rows(folder: Path) -> Iterator[Row]:
    """Basic, and tokens of our own service, whose users are looked at with each request."""
    database, argon2 = Database(folder / "users.db"), Argon2()
    encoded = argon2.hash(PASSWORD, b"salt of sixteen.")
    fields: dict[str, Any] = {"password": encoded, "password_set": AT - 1000, "scopes": frozenset({"orders:read"})}
    users = [User(f"id-{number}", f"user{number}", **fields) for number in range(USERS_THERE)]
    database.write_many(sql.insert(USERS), [_user_row(each) for each in users])
    key = jwk.RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    signing = SigningKey("k1", 1, 0, json.dumps(key.as_dict(private=False)), b"sealed", 0.0, time() + 600)
    SigningKeyStore(database).add(signing)
    issued = IssuedTokens(database, OwnIssuer("https://issuer.example", HASH_KEY, {"own": RULES}))
    stores = Stores(Counters(), None, KeySources(), database=database, issued=issued)
    store = UserStore(database)
    checks = PasswordChecks(store, argon2)
    stores.add_users(store, checks, FactorStore(store, Envelope(KeyRing.of(HASH_KEY)), HASH_KEY))
    random.Random(5).shuffle(users)
    try:
        yield from basic_rows(stores, checks, [user.name for user in users[:3000]], encoded)
        yield from own_token_rows(stores, key, [user.name for user in users[:400]])
    finally:
        stores.close()


def basic_rows(stores: Stores, checks: PasswordChecks, names: list[str], encoded: str) -> Iterator[Row]:
    def answer(ask: Ask[Any]) -> Any:
        """At once what a worker has done in a thread."""
        match ask:
            case CheckPassword(user, password):
                return checks.check(user, password)
            case NotePlace():
                return checks.users.keep_place(ask)
        return stores.answer(ask)

    def believe(ask: Ask[Any]) -> Any:
        """To have many remembered soon."""
        match ask:
            case CheckPassword():
                return True
            case NotePlace():
                return None
        return answer(ask)

    def scheme(kind: type[Basic]) -> Basic:
        return kind(logins=Logins(HASH_KEY, Guessing(HASH_KEY, Lockout())), key=HASH_KEY, remember=86400.0)

    headers = [[("authorization", "Basic " + b64encode(f"{name}:{PASSWORD}".encode()).decode())] for name in names]
    known = scheme(Basic)
    for each in headers:
        judging(stores, known, [each], believe)()
    name = f"Basic, password remembered, 3,000 of {USERS_THERE:,} users by turns"
    yield Row(name, 6, judging(stores, known, headers))
    strange, argon2 = judging(stores, scheme(ForgetfulBasic), headers, answer), checks.argon2
    name = f"Basic, first sight, one of {USERS_THERE:,} users"
    yield Row(name, float("nan"), strange, "argon2-cffi", lambda: argon2.matches(encoded, PASSWORD), batch=1)


class ForgetfulBasic(Basic):
    """Every password is new to it."""

    def _remember(self, digest: bytes, proven: Proven, at: float) -> Principal:
        self._known.clear()
        return super()._remember(digest, proven, at)


def own_token_rows(stores: Stores, key: Any, names: list[str]) -> Iterator[Row]:
    header = {"alg": "RS256", "kid": "k1", "typ": "at+jwt"}
    said = {"iss": "https://issuer.example", "aud": "shop", "client_id": "c1", "grant": "g1", "scope": "orders:read"}
    times = {"iat": int(AT), "exp": int(AT) + 600}
    tokens = [jwt.encode(header, {**said, **times, "sub": name, "jti": name}, key) for name in names]
    scheme = OAuth2(source=OWN, rules=RULES, own=True)
    known = judging(stores, scheme, [[("authorization", f"Bearer {token}")] for token in tokens])
    for _ in tokens:
        known()
    yield Row("JWT of our own service, verified before, revocation checked", 6, known)
    find = itertools.cycle([FindRevocation((f"jti:{n}", "grant:g1", "client:c1", f"user:{n}"), AT) for n in names])
    yield Row("… of it the question whether it was revoked", float("nan"), lambda: stores.answer(next(find)))


@contextmanager
def quiet() -> Iterator[None]:
    """As a worker is: what is there stays, and nobody looks at it again."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def cost(work: Callable[[], object], batch: int) -> float:
    """Microseconds of one call, over one round."""
    count, began = 0, process_time()
    while (spent := process_time() - began) < SECONDS:
        for _ in range(batch):
            work()
        count += batch
    return spent / count * 1e6


def measured(row: Row) -> list[str]:
    sides = [side for side in (row.ours, row.peer) if side is not None]
    with quiet():
        rounds = [[cost(side, row.batch) for side in sides] for _ in range(ROUNDS)]
    mine = statistics.median(each[0] for each in rounds)
    peer = statistics.median(each[1] for each in rounds) if row.peer is not None else None
    ratio = statistics.median(each[1] / each[0] for each in rounds) if row.peer is not None else None
    aim = f"{row.aim:.0f} µs" if row.aim == row.aim else "–"
    return [
        row.name,
        written(mine, ",.1f", " µs"),
        aim,
        row.peer_name,
        written(peer, ",.1f", " µs"),
        written(ratio, ".1f", "×"),
    ]


def main() -> None:
    header = ["per request", "Stockade, whole control", "aim", "peer", "its verification alone", "ratio"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sources = (api_key_rows(place), token_rows(), signature_rows(), introspection_rows(), user_rows(place))
        body = table(header, [measured(row) for row in itertools.chain(*sources)])
    text = f"{machine()}. CPU time, medians of {ROUNDS} rounds.\n\n{body}"
    print(text)
    if "--write" in sys.argv:
        before = RESULTS.read_text() if RESULTS.exists() else ""
        RESULTS.write_text(replace_section(before, "Identity", text))


if __name__ == "__main__":
    main()
