"""Tokens that are right: every algorithm, the RFCs' own examples, edges of time, and what is read from the claims."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tokens import (
    ALGORITHMS,
    BadToken,
    Claims,
    JwtHeader,
    JwtRules,
    VerificationKeys,
    keys_from_secret,
    parse_jwks,
    read_header,
    verify_jwt,
)
from stockade.tokens.strict import decode_base64url

ANY = JwtRules(frozenset(ALGORITHMS))
AT = 1_700_000_000.0


def reason(token: str, keys: VerificationKeys, rules: JwtRules = ANY, at: float = AT) -> str | None:
    try:
        verify_jwt(token, keys, rules, at)
    except BadToken as refused:
        return refused.reason
    return None


@pytest.fixture(scope="module")
def keys(forge: Any) -> VerificationKeys:
    return forge.keys("rsa", "ec-ES256", "ec-ES384", "ec-ES512", "ed", "oct")  # type: ignore[no-any-return]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_verifies(alg: str, forge: Any, keys: VerificationKeys) -> None:
    assert verify_jwt(forge.token(alg), keys, JwtRules(frozenset((alg,))), AT).subject == "user-1"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_refuses_another_message(alg: str, forge: Any, keys: VerificationKeys) -> None:
    header, _, signature = forge.token(alg).split(".")
    _, payload, _ = forge.token(alg, sub="user-2").split(".")
    assert reason(f"{header}.{payload}.{signature}", keys) == "bad-signature"


# RFC 7515, appendix A.1 to A.4, and RFC 8037, appendix A.4: header and payload as there, the key, the signature.
JOE = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC_EXAMPLES = {
    "A.1": (
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        b'{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}',
    ),
    "A.2": (
        f"eyJhbGciOiJSUzI1NiJ9.{JOE}."
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
        "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
        "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
        "cN_IoypGlUPQGe77Rw",
        b'{"kty":"RSA","e":"AQAB","n":"'
        b"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
        b"S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2"
        b"R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD"
        b'TW9gb54h4FRWyuXpoQ"}',
    ),
    "A.3": (
        f"eyJhbGciOiJFUzI1NiJ9.{JOE}."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        b'{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
        b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
    ),
    "A.4": (
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2Y"
        "BJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        b'{"kty":"EC","crv":"P-521",'
        b'"x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",'
        b'"y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}',
    ),
    "RFC 8037": (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        b'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    ),
}


@pytest.mark.parametrize("name", RFC_EXAMPLES)
def test_rfc_example_verifies(name: str) -> None:
    token, jwk = RFC_EXAMPLES[name]
    message, _, signature = token.rpartition(".")
    header = read_header(token)
    (key,) = parse_jwks(b'{"keys":[' + jwk + b"]}").candidates(header.alg, header.kid)
    assert key.verifies(header.alg, message.encode(), decode_base64url(signature.encode()))
    assert not key.verifies(header.alg, message.encode() + b".", decode_base64url(signature.encode()))


@pytest.mark.parametrize("name", ["A.1", "A.2", "A.3"])
def test_rfc_example_is_a_token_until_it_expires(name: str) -> None:
    token, jwk = RFC_EXAMPLES[name]
    keys = parse_jwks(b'{"keys":[' + jwk + b"]}")
    claims = verify_jwt(token, keys, JwtRules(frozenset(ALGORITHMS), issuer="joe"), 1300819379)
    assert (claims.issuer, claims.expires, claims.subject) == ("joe", 1300819380.0, None)
    assert claims.members["http://example.com/is_root"] is True
    assert reason(token, keys, at=1300819380 + 60) == "expired"


@pytest.mark.parametrize("name", ["A.4", "RFC 8037"])
def test_rfc_example_that_is_no_token_is_refused_after_its_signature(name: str) -> None:
    token, jwk = RFC_EXAMPLES[name]
    assert reason(token, parse_jwks(b'{"keys":[' + jwk + b"]}")) == "malformed"


@pytest.mark.parametrize(
    ("claims", "leeway", "expected"),
    [
        ({"exp": AT + 0.001}, 0, None),
        ({"exp": AT}, 0, "expired"),  # "on or after which" (RFC 7519, section 4.1.4)
        ({"exp": AT - 59.999}, 60, None),
        ({"exp": AT - 60}, 60, "expired"),
        ({"nbf": AT}, 0, None),
        ({"nbf": AT + 0.001}, 0, "not-yet-valid"),
        ({"nbf": AT + 60}, 60, None),
        ({"nbf": AT + 60.001}, 60, "not-yet-valid"),
        ({"iat": AT + 60}, 60, None),
        ({"iat": AT + 60.001}, 60, "issued-in-future"),
        ({"iat": 0}, 60, None),
        ({"exp": 253402300799}, 60, None),
        ({"exp": 253402300800}, 60, "bad-claim"),
        ({"exp": 1.7e9 + 300.5}, 60, None),
    ],
)
def test_edges_of_time(claims: dict[str, float], leeway: float, expected: str | None, forge: Any) -> None:
    rules = JwtRules(frozenset(("HS256",)), leeway=leeway)
    assert reason(forge.token("HS256", **claims), forge.keys("oct"), rules) == expected


def test_a_time_that_is_no_number_refuses(forge: Any, keys: VerificationKeys) -> None:
    assert reason(forge.token(), keys, at=float("nan")) == "expired"
    assert reason(forge.token(), keys, at=float("inf")) == "expired"
    assert reason(forge.token(), keys, at=float("-inf")) == "issued-in-future"


def test_claims(forge: Any, keys: VerificationKeys) -> None:
    claims = verify_jwt(forge.token(email="ann@example.org"), keys, ANY, AT)
    assert claims == Claims(
        "user-1",
        "https://issuer.example",
        AT + 300,
        frozenset(("orders:read", "orders:write")),
        "token-1",
        {**forge.claims, "email": "ann@example.org"},
    )
    assert "ann@" not in repr(claims)
    assert "user-1" not in repr(claims)
    assert "token-1" in repr(claims)
    assert "ann@" not in str(claims.__rich_repr__())


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": "  a   b  "}, {"a", "b"}),
        ({"scope": ""}, set()),
        ({"scope": "a\tb\u00a0c"}, {"a\tb\u00a0c"}),
        ({"scope": ["a", "b c"]}, {"a", "b c"}),
        ({"scp": ["a", "b"]}, {"a", "b"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({"scopes": ["a"]}, {"a"}),
        ({"scope": "a", "scp": ["admin"], "scopes": ["root"]}, {"a"}),
        ({}, set()),
    ],
)
def test_scopes(claims: dict[str, object], expected: set[str], forge: Any) -> None:
    token = forge.token("HS256", claims={"exp": AT + 1, **claims})
    assert verify_jwt(token, forge.keys("oct"), ANY, AT).scopes == expected


@pytest.mark.parametrize("aud", ["orders", ["orders"], ["billing", "orders"]])
def test_audience_may_be_a_list(aud: object, forge: Any, keys: VerificationKeys) -> None:
    assert reason(forge.token(aud=aud), keys, JwtRules(frozenset(("RS256",)), audience="orders")) is None


@pytest.mark.parametrize(
    ("typ", "accepted", "expected"),
    [
        ("at+jwt", {"at+jwt"}, None),
        ("application/at+jwt", {"at+jwt"}, None),
        ("AT+JWT", {"application/at+jwt"}, None),
        ("JWT", {"at+jwt"}, "wrong-type"),
        ("", {"at+jwt"}, "wrong-type"),
        (None, {"at+jwt"}, "wrong-type"),
        (None, set(), None),
        ("anything", set(), None),
        (1, set(), "malformed"),
    ],
)
def test_typ(typ: object, accepted: set[str], expected: str | None, forge: Any, keys: VerificationKeys) -> None:
    rules = JwtRules(frozenset(("RS256",)), typ=frozenset(accepted))
    assert reason(forge.token(header={} if typ is None else {"typ": typ}), keys, rules) == expected


def test_header_members_that_choose_nothing_are_ignored(forge: Any, keys: VerificationKeys) -> None:
    token = forge.token(header={"x5c": ["AAAA"], "x5t": "AAAA", "cty": "x", "b64": True, "nonce": [1, 2]})
    assert reason(token, keys) is None


def test_header() -> None:
    assert read_header(f"{RFC_EXAMPLES['A.1'][0]}") == JwtHeader("HS256", None, "JWT")


def test_kid_chooses_the_key(forge: Any, keys: VerificationKeys) -> None:
    assert read_header(forge.token(header={"kid": "rsa"})) == JwtHeader("RS256", "rsa")
    assert reason(forge.token(header={"kid": "rsa"}), keys) is None
    assert reason(forge.token(header={"kid": "rsa"}), VerificationKeys()) == "unknown-key"


def test_without_kid_five_keys_are_tried(forge: Any) -> None:
    others = [forge.jwk(f"oct-{n}", k=forge.b64(bytes([n]) * 32)) for n in range(5)]
    fifth = parse_jwks(forge.jwks(*others[:4], forge.jwk("oct")))
    sixth = parse_jwks(forge.jwks(*others, forge.jwk("oct")))
    assert reason(forge.token("HS256"), fifth) is None
    assert reason(forge.token("HS256"), sixth) == "bad-signature"
    assert reason(forge.token("HS256", {"kid": "oct"}), sixth) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithms": frozenset()}, "algorithms: none given"),
        ({"algorithms": frozenset(("none",))}, "algorithms: none not supported"),
        ({"algorithms": frozenset(("RS256", "RS265"))}, "RS265 not supported; choose from RS256, "),
        ({"algorithms": frozenset(("RS256",)), "leeway": -1.0}, "leeway"),
        ({"algorithms": frozenset(("RS256",)), "leeway": float("inf")}, "leeway"),
        ({"algorithms": frozenset(("RS256",)), "leeway": float("nan")}, "leeway"),
    ],
)
def test_rules_that_would_be_holes_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JwtRules(**arguments)


SECRET = keys_from_secret(b"s" * 64)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_garbage_is_refused_with_a_reason(text: str) -> None:
    assert reason(text, SECRET) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "exp", "nbf", "iat", "iss", "aud", "sub", "scope", "jti"])


@given(
    header=st.dictionaries(names, json_values | st.sampled_from(["HS256", "ES512", "none"])),
    claims=st.dictionaries(names, json_values | st.just(AT + 9)),
)
def test_signed_nonsense_is_refused_or_read(header: dict[str, Any], claims: dict[str, Any], forge: Any) -> None:
    keys = keys_from_secret(forge.secret)
    honest = forge.token("HS256", claims=claims)
    head = reason(forge.token("HS256", header), keys)
    assert head in ("algorithm-refused", "header-refused", "malformed", "unknown-key", None)
    try:
        read = verify_jwt(honest, keys, ANY, AT)
    except BadToken:
        return
    assert read.members == claims
    assert read.expires > AT - 60


@given(data=st.data())
def test_one_changed_character_breaks_a_token(data: st.DataObject, forge: Any) -> None:
    token = forge.token("HS256")
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters().filter(lambda char: char != token[at]))
    assert reason(token[:at] + char + token[at + 1 :], keys_from_secret(forge.secret)) is not None
