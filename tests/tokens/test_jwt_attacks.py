"""What people have done with JSON Web Tokens to get in, and what each attempt is answered.

Every token here is refused although `forge` signs it with the right key, unless the attack is on the signature.
"""

from __future__ import annotations

import hmac
import json
import zlib
from collections.abc import Callable
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from stockade.tokens import ALGORITHMS, BadToken, JwtRules, VerificationKeys, keys_from_pem, read_header, verify_jwt
from stockade.tokens.jwt import MAX_TOKEN, Reason

Attack = Callable[[Any], str]  # Forge -> token

ISSUER, AUDIENCE = "https://issuer.example", "orders"
RULES = JwtRules(frozenset(ALGORITHMS), ISSUER, AUDIENCE)
HEADER = b'{"alg":"RS256"}'


def payload(forge: Any, **changed: object) -> bytes:
    return json.dumps({**forge.claims, **changed}).encode()


def with_text(forge: Any, text: str) -> str:
    """A token whose payload starts with members in this very spelling."""
    return str(forge.signed(HEADER, b"{" + text.encode() + b"," + payload(forge)[1:]))


def in_payload(forge: Any, text: str) -> str:
    """The honest payload, encoded, with this text in the middle of it."""
    encoded = forge.b64(payload(forge))
    return f"{encoded[:40]}{text}{encoded[40:]}"


def without(forge: Any, *names: str) -> str:
    return str(forge.token(claims={name: value for name, value in forge.claims.items() if name not in names}))


def unsigned(alg: object, signature: str = "") -> Attack:
    def attack(forge: Any) -> str:
        return f"{forge.b64(json.dumps({'alg': alg}).encode())}.{forge.b64(payload(forge))}.{signature}"

    return attack


def confused(alg: str, secret: Callable[[Any], bytes], header: dict[str, str]) -> Attack:
    """An HMAC by what the attacker knows: the public key."""

    def attack(forge: Any) -> str:
        head = json.dumps({"alg": alg, **header}).encode()
        message = f"{forge.b64(head)}.{forge.b64(payload(forge))}"
        return f"{message}.{forge.b64(hmac.digest(secret(forge), message.encode(), 'sha256'))}"

    return attack


def with_signature(alg: str, change: Callable[[bytes], bytes]) -> Attack:
    def attack(forge: Any) -> str:
        message, _, _ = forge.token(alg, {"kid": f"ec-{alg}"} if alg.startswith("ES") else {}).rpartition(".")
        return f"{message}.{forge.b64(change(forge.sign(alg, message.encode())))}"

    return attack


def with_text_change(change: Callable[[str], str], alg: str = "RS256") -> Attack:
    return lambda forge: change(forge.token(alg))


def in_header(**members: object) -> Attack:
    return lambda forge: str(forge.token(header=members))


def claiming(**members: object) -> Attack:
    return lambda forge: str(forge.token(**members))


def chained(forge: Any) -> str:
    """Signed by a key of the attacker's, whose certificate lies beside."""
    own = rsa.generate_private_key(65537, 2048)
    message = f"{forge.b64(json.dumps({'alg': 'RS256', 'x5c': ['MIIB'], 'x5t': 'AAAA'}).encode())}"
    message += f".{forge.b64(payload(forge))}"
    return f"{message}.{forge.b64(own.sign(message.encode(), padding.PKCS1v15(), SHA256()))}"


def encrypted(forge: Any, **header: object) -> str:
    bomb = zlib.compress(bytes(100_000))[2:-4]
    parts = (json.dumps(header).encode(), b"key", b"iv" * 6, bomb, b"t" * 16)
    return ".".join(map(forge.b64, parts))


def noncanonical(text: str) -> str:
    """The same bytes in another spelling: a last character that differs in the bits that are thrown away."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


P256_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
AT = 1_700_000_000

ATTACKS: dict[str, tuple[Attack, Reason]] = {
    # No signature at all (RFC 8725, section 2.1).
    "alg none": (unsigned("none"), "algorithm-refused"),
    "alg None": (unsigned("None"), "algorithm-refused"),
    "alg NONE": (unsigned("NONE"), "algorithm-refused"),
    "alg nOnE": (unsigned("nOnE"), "algorithm-refused"),
    "alg none and a space": (unsigned("none "), "algorithm-refused"),
    "alg none and a NUL": (unsigned("none\0"), "algorithm-refused"),
    "alg none with a signature": (unsigned("none", "AAAA"), "algorithm-refused"),
    "alg none in full-width letters": (unsigned("ｎｏｎｅ"), "algorithm-refused"),
    "alg empty": (unsigned(""), "algorithm-refused"),
    "alg in lower case": (unsigned("rs256"), "algorithm-refused"),
    "alg unknown": (unsigned("RS1"), "algorithm-refused"),
    "alg of another curve": (unsigned("ES256K"), "algorithm-refused"),
    "alg of encryption": (unsigned("RSA-OAEP"), "algorithm-refused"),
    "alg null": (unsigned(None), "malformed"),
    "alg a list": (unsigned(["RS256"]), "malformed"),
    "alg a number": (unsigned(0), "malformed"),
    "alg missing": (lambda f: f.signed(b"{}", payload(f)), "malformed"),
    "alg RS256, signature empty": (unsigned("RS256"), "bad-signature"),
    # The key of one algorithm as the key of another (RFC 8725, section 2.1; CVE-2015-9235, CVE-2016-10555).
    "public PEM as HMAC secret": (confused("HS256", lambda f: f.pem(), {}), "bad-signature"),
    "public PEM as HMAC secret, by kid": (confused("HS256", lambda f: f.pem(), {"kid": "rsa"}), "unknown-key"),
    "stripped PEM as HMAC secret, by kid": (
        confused("HS256", lambda f: f.pem().strip(), {"kid": "rsa"}),
        "unknown-key",
    ),
    "modulus as HMAC secret, by kid": (
        confused("HS256", lambda f: f.jwk("rsa")["n"].encode(), {"kid": "rsa"}),
        "unknown-key",
    ),
    "empty HMAC secret": (confused("HS256", lambda f: b"", {"kid": "oct"}), "bad-signature"),
    "RSA key for ES256": (lambda f: f.token("RS256", {"alg": "ES256", "kid": "rsa"}), "unknown-key"),
    "EC key for RS256": (lambda f: f.token("ES256", {"alg": "RS256", "kid": "ec-ES256"}), "unknown-key"),
    "P-256 key for ES512": (lambda f: f.token("ES256", {"alg": "ES512", "kid": "ec-ES256"}), "unknown-key"),
    "PKCS #1 signature as PSS": (lambda f: f.token("RS256", {"alg": "PS256"}), "bad-signature"),
    "PSS signature as PKCS #1": (lambda f: f.token("PS256", {"alg": "RS256"}), "bad-signature"),
    "SHA-256 signature as SHA-512": (lambda f: f.token("RS256", {"alg": "RS512"}), "bad-signature"),
    # The key id as a way in: file, query, shell, log (RFC 8725, section 3.10).
    "kid walks to a file": (in_header(kid="../../../../dev/null"), "unknown-key"),
    "kid walks to a file in Windows": (in_header(kid="..\\..\\windows\\win.ini"), "unknown-key"),
    "kid is a query": (in_header(kid="x' UNION SELECT 'secret' --"), "unknown-key"),
    "kid is a command": (in_header(kid="rsa|/usr/bin/id"), "unknown-key"),
    "kid is an address": (in_header(kid="https://evil.example/key"), "unknown-key"),
    "kid is another key's": (in_header(kid="ed"), "unknown-key"),
    "kid in another case": (in_header(kid="RSA"), "unknown-key"),
    "kid empty": (in_header(kid=""), "unknown-key"),
    "kid holds a NUL": (in_header(kid="rsa\0"), "header-refused"),
    "kid forges a log line": (in_header(kid="rsa\n2026 INFO admin logged in"), "header-refused"),
    "kid turns the text around": (in_header(kid="rsa\u202e"), "header-refused"),
    "kid without end": (in_header(kid="k" * 257), "header-refused"),
    "kid null": (in_header(kid=None), "malformed"),
    "kid an object": (in_header(kid={"$ne": ""}), "malformed"),
    "kid a list": (in_header(kid=["rsa"]), "malformed"),
    # Keys that the sender brings or points at (RFC 8725, sections 2.9 and 3.10; CVE-2018-0114).
    "jwk embedded": (lambda f: f.token(header={"jwk": f.jwk("rsa")}), "header-refused"),
    "jwk embedded, private": (in_header(jwk={"kty": "oct", "k": "AAAA"}), "header-refused"),
    "jwk null": (in_header(jwk=None), "header-refused"),
    "jku": (in_header(jku="https://evil.example/jwks.json"), "header-refused"),
    "jku of the issuer itself": (in_header(jku="https://issuer.example/jwks.json"), "header-refused"),
    "x5u": (in_header(x5u="https://evil.example/cert.pem"), "header-refused"),
    "x5c with a key of its own": (lambda f: chained(f), "bad-signature"),
    "x5c of the right key, signed by none": (lambda f: chained(f)[:-8] + "AAAAAAAA", "bad-signature"),
    # What is no JWS at all: encrypted, compressed to nothing, or asking for years of work (RFC 7518, section 4.8.1.2).
    "JWE": (lambda f: encrypted(f, alg="RSA-OAEP", enc="A256GCM"), "malformed"),
    "JWE, direct, with no key": (lambda f: encrypted(f, alg="dir", enc="A256GCM"), "malformed"),
    "JWE that inflates": (lambda f: encrypted(f, alg="dir", enc="A256GCM", zip="DEF"), "malformed"),
    "JWE of a password, two thousand million times": (
        lambda f: encrypted(f, alg="PBES2-HS256+A128KW", enc="A128GCM", p2s="AAAA", p2c=2_000_000_000),
        "malformed",
    ),
    "JWE in three parts": (in_header(alg="PBES2-HS256+A128KW", p2c=2_000_000_000, p2s="AAAA"), "algorithm-refused"),
    "a token in a token": (lambda f: f.signed(b'{"alg":"RS256","cty":"JWT"}', f.token().encode()), "malformed"),
    "a point that is not on the curve, brought along": (
        in_header(epk={"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, jwk={"kty": "EC", "crv": "P-256"}),
        "header-refused",
    ),
    # Extensions that must be understood (RFC 7515, section 4.1.11).
    "crit": (in_header(crit=["exp"], exp=AT), "header-refused"),
    "crit empty": (in_header(crit=[]), "header-refused"),
    "crit null": (in_header(crit=None), "header-refused"),
    "crit b64 (RFC 7797)": (in_header(crit=["b64"], b64=False), "header-refused"),
    "b64 false": (in_header(b64=False), "header-refused"),
    "b64 zero": (in_header(b64=0), "header-refused"),
    "b64 in words": (in_header(b64="false"), "header-refused"),
    # Signatures that are none (CVE-2022-21449 and its kin).
    "psychic signature": (with_signature("ES256", lambda s: bytes(64)), "bad-signature"),
    "r is zero": (with_signature("ES256", lambda s: bytes(32) + s[32:]), "bad-signature"),
    "s is zero": (with_signature("ES256", lambda s: s[:32] + bytes(32)), "bad-signature"),
    "r is the order": (with_signature("ES256", lambda s: P256_ORDER + s[32:]), "bad-signature"),
    "s is the order": (with_signature("ES256", lambda s: s[:32] + P256_ORDER), "bad-signature"),
    "r and s are the order": (with_signature("ES256", lambda s: P256_ORDER * 2), "bad-signature"),
    "r and s are all ones": (with_signature("ES256", lambda s: b"\xff" * 64), "bad-signature"),
    "r and s are one": (with_signature("ES256", lambda s: (bytes(31) + b"\1") * 2), "bad-signature"),
    "ES256 truncated": (with_signature("ES256", lambda s: s[:-1]), "bad-signature"),
    "ES256 halved": (with_signature("ES256", lambda s: s[:32]), "bad-signature"),
    "ES256 oversize": (with_signature("ES256", lambda s: s + b"\0"), "bad-signature"),
    "ES256 with leading zeros": (
        with_signature("ES256", lambda s: b"\0" + s[:32] + b"\0" + s[32:]),
        "bad-signature",
    ),
    "ES256 in DER": (
        with_signature("ES256", lambda s: b"\x30\x44\x02\x20" + s[:32] + b"\x02\x20" + s[32:]),
        "bad-signature",
    ),
    "ES512 truncated": (with_signature("ES512", lambda s: s[1:]), "bad-signature"),
    "psychic ES384": (with_signature("ES384", lambda s: bytes(96)), "bad-signature"),
    "psychic ES512": (with_signature("ES512", lambda s: bytes(132)), "bad-signature"),
    "EdDSA truncated": (with_signature("EdDSA", lambda s: s[:-1]), "bad-signature"),
    "EdDSA all zero": (with_signature("EdDSA", lambda s: bytes(64)), "bad-signature"),
    "RS256 truncated": (with_signature("RS256", lambda s: s[:-1]), "bad-signature"),
    "RS256 with a leading zero": (with_signature("RS256", lambda s: b"\0" + s), "bad-signature"),
    "RS256 all zero": (with_signature("RS256", lambda s: bytes(256)), "bad-signature"),
    "HS256 truncated": (with_signature("HS256", lambda s: s[:-1]), "bad-signature"),
    "HS256 prolonged": (with_signature("HS256", lambda s: s + b"\0"), "bad-signature"),
    "payload exchanged": (
        with_text_change(lambda t: t.replace(t.split(".")[1], t.split(".")[1][::-1])),
        "bad-signature",
    ),
    # Text that two readers could take apart differently.
    "empty": (lambda f: "", "malformed"),
    "dots alone": (lambda f: "..", "malformed"),
    "two parts": (with_text_change(lambda t: t.rpartition(".")[0]), "malformed"),
    "four parts": (with_text_change(lambda t: t + "."), "malformed"),
    "dot in front": (with_text_change(lambda t: "." + t), "malformed"),
    "two dots between": (with_text_change(lambda t: t.replace(".", "..", 1)), "malformed"),
    "five parts, as if encrypted": (with_text_change(lambda t: t + ".AAAA.AAAA"), "malformed"),
    "nothing but dots": (lambda f: "." * 8000, "malformed"),
    "a JSON serialisation": (lambda f: '{"payload":"e30","signatures":[]}', "malformed"),
    "scheme in front": (with_text_change(lambda t: "Bearer " + t), "malformed"),
    "newline at the end": (with_text_change(lambda t: t + "\n"), "malformed"),
    "space in the header": (with_text_change(lambda t: t[:4] + " " + t[4:]), "malformed"),
    "padding": (with_text_change(lambda t: t + "=="), "malformed"),
    "padding on the header": (lambda f: f.sealed(f"{f.b64(HEADER)}=.{f.b64(payload(f))}"), "malformed"),
    "padding on the payload": (lambda f: f.sealed(f"{f.b64(HEADER)}.{f.b64(b'{}')}="), "malformed"),
    "plain base64 alphabet": (
        lambda f: f.sealed(f"{f.b64(HEADER)}.{f.b64(payload(f, sub='?~' * 9)).replace('-', '+').replace('_', '/')}"),
        "malformed",
    ),
    "characters that lenient readers skip": (
        lambda f: f.sealed(f"{f.b64(HEADER)}.{in_payload(f, '!!!!')}"),
        "malformed",
    ),
    "line ends that lenient readers skip": (
        lambda f: f.sealed(f"{f.b64(HEADER)}.{in_payload(f, chr(10) * 4)}"),
        "malformed",
    ),
    "characters skipped in the header": (
        lambda f: f.sealed(f"{f.b64(HEADER)[:8]}!!!!{f.b64(HEADER)[8:]}.{f.b64(payload(f))}"),
        "malformed",
    ),
    "not canonical, signature": (with_text_change(noncanonical), "malformed"),
    "not canonical, payload": (lambda f: f.sealed(f"{f.b64(HEADER)}.{noncanonical(f.b64(b'{}' * 2))}"), "malformed"),
    "impossible length": (lambda f: f.sealed(f"{f.b64(HEADER)}.AAAAA"), "malformed"),
    "not ASCII": (with_text_change(lambda t: t + "é"), "malformed"),
    "full-width digit": (with_text_change(lambda t: t[:-1] + "１"), "malformed"),
    "lone surrogate": (with_text_change(lambda t: t + "\ud800"), "malformed"),
    "huge": (lambda f: f.token(filler="x" * MAX_TOKEN), "too-long"),
    "one too long": (lambda f: "A" * (MAX_TOKEN + 1), "too-long"),
    "as long as may be": (lambda f: "A" * MAX_TOKEN, "malformed"),
    # JSON that two readers could read differently (RFC 8725, section 2.6; RFC 7519, section 4).
    "alg twice": (lambda f: f.signed(b'{"alg":"none","alg":"RS256"}', payload(f)), "malformed"),
    "alg twice, once escaped": (lambda f: f.signed(b'{"\\u0061lg":"none","alg":"RS256"}', payload(f)), "malformed"),
    "exp twice": (lambda f: with_text(f, '"exp":1'), "malformed"),
    "sub twice, the same": (lambda f: with_text(f, '"sub":"user-1"'), "malformed"),
    "member twice, far down": (lambda f: with_text(f, '"a":[{"b":{"c":1,"c":2}}]'), "malformed"),
    "header a list": (lambda f: f.signed(b'["alg","RS256"]', payload(f)), "malformed"),
    "header no JSON": (lambda f: f.signed(b"alg=RS256", payload(f)), "malformed"),
    "header empty": (lambda f: f.sealed(f".{f.b64(payload(f))}"), "malformed"),
    "header in UTF-16": (lambda f: f.signed('{"alg":"RS256"}'.encode("utf-16"), payload(f)), "malformed"),
    "header with a byte order mark": (lambda f: f.signed(b"\xef\xbb\xbf" + HEADER, payload(f)), "malformed"),
    "payload empty": (lambda f: f.signed(HEADER, b""), "malformed"),
    "payload a list": (lambda f: f.signed(HEADER, b"[]"), "malformed"),
    "payload null": (lambda f: f.signed(HEADER, b"null"), "malformed"),
    "payload a token": (lambda f: f.signed(HEADER, f.token().encode()), "malformed"),
    "payload twice": (lambda f: f.signed(HEADER, payload(f) * 2), "malformed"),
    "payload with a trailing comma": (lambda f: f.signed(HEADER, payload(f)[:-1] + b",}"), "malformed"),
    "payload with a comment": (lambda f: f.signed(HEADER, payload(f) + b"// admin"), "malformed"),
    "payload in broken UTF-8": (lambda f: f.signed(HEADER, b'{"sub":"\xff"}'), "malformed"),
    "payload with a lone surrogate": (lambda f: with_text(f, '"a":"\\ud800"'), "malformed"),
    "payload with NaN": (lambda f: with_text(f, '"a":NaN'), "malformed"),
    "payload with an overflow": (lambda f: with_text(f, '"a":1e999'), "malformed"),
    "payload with an endless number": (lambda f: with_text(f, f'"a":{"9" * 5000}'), "malformed"),
    "payload nested too deeply": (lambda f: with_text(f, '"a":' + "[" * 16 + "]" * 16), "malformed"),
    "payload nested to break the stack": (lambda f: with_text(f, '"a":' + "[" * 2500 + "]" * 2500), "malformed"),
    "payload of open brackets": (lambda f: f.signed(HEADER, b"[" * 5000), "malformed"),
    "header nested too deeply": (
        lambda f: f.signed(b'{"alg":"RS256","a":' + b"[" * 99 + b"]" * 99 + b"}", payload(f)),
        "malformed",
    ),
    # Times (RFC 7519, sections 4.1.4 to 4.1.6).
    "expired": (claiming(exp=AT - 60), "expired"),
    "expired long ago": (claiming(exp=0), "expired"),
    "expired before time began": (claiming(exp=-1), "expired"),
    "not valid yet": (claiming(nbf=AT + 61), "not-yet-valid"),
    "issued in the future": (claiming(iat=AT + 61), "issued-in-future"),
    "exp missing": (lambda f: without(f, "exp"), "missing-claim"),
    "exp null": (claiming(exp=None), "bad-claim"),
    "exp true": (claiming(exp=True), "bad-claim"),
    "exp text": (claiming(exp="9999999999"), "bad-claim"),
    "exp a list": (claiming(exp=[AT + 300]), "bad-claim"),
    "exp NaN": (claiming(exp=float("nan")), "malformed"),
    "exp infinite": (claiming(exp=float("inf")), "malformed"),
    "exp as an overflow": (lambda f: f.signed(HEADER, b'{"exp":1e309}'), "malformed"),
    "exp in milliseconds": (claiming(exp=(AT + 300) * 1000), "bad-claim"),
    "exp beyond any float": (claiming(exp=10**400), "bad-claim"),
    "nbf text": (claiming(nbf="0"), "bad-claim"),
    "nbf false": (claiming(nbf=False), "bad-claim"),
    "nbf null": (claiming(nbf=None), "bad-claim"),
    "iat true": (claiming(iat=True), "bad-claim"),
    "iat an object": (claiming(iat={}), "bad-claim"),
    # For whom and by whom (RFC 8725, sections 3.8 and 3.9).
    "issuer wrong": (claiming(iss="https://evil.example"), "wrong-issuer"),
    "issuer with a slash more": (claiming(iss=ISSUER + "/"), "wrong-issuer"),
    "issuer in capitals": (claiming(iss=ISSUER.upper()), "wrong-issuer"),
    "issuer missing": (lambda f: without(f, "iss"), "missing-claim"),
    "issuer a list": (claiming(iss=[ISSUER]), "bad-claim"),
    "issuer null": (claiming(iss=None), "bad-claim"),
    "audience wrong": (claiming(aud="billing"), "wrong-audience"),
    "audience a part of ours": (claiming(aud="order"), "wrong-audience"),
    "audience with ours in it": (claiming(aud="orders,billing"), "wrong-audience"),
    "audience list without ours": (claiming(aud=["billing", "stock"]), "wrong-audience"),
    "audience list empty": (claiming(aud=[]), "wrong-audience"),
    "audience missing": (lambda f: without(f, "aud"), "missing-claim"),
    "audience list with a number": (claiming(aud=[AUDIENCE, 1]), "bad-claim"),
    "audience an object": (claiming(aud={AUDIENCE: True}), "bad-claim"),
    "audience null": (claiming(aud=None), "bad-claim"),
    "subject a number": (claiming(sub=1), "bad-claim"),
    "subject an object": (claiming(sub={"$gt": ""}), "bad-claim"),
    "token id a list": (claiming(jti=["token-1"]), "bad-claim"),
    "scope an object": (claiming(scope={"admin": True}), "bad-claim"),
    "scope a list of lists": (claiming(scope=[["admin"]]), "bad-claim"),
}

NEEDS_OTHER_RULES = {"wrong-type"}  # tested in test_jwt.py


@pytest.fixture(scope="module")
def keys(forge: Any) -> VerificationKeys:
    return forge.keys("rsa", "ec-ES256", "ec-ES384", "ec-ES512", "ed", "oct")  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(name: str, forge: Any, keys: VerificationKeys) -> None:
    attack, reason = ATTACKS[name]
    with pytest.raises(BadToken) as refused:
        verify_jwt(attack(forge), keys, RULES, forge.at)
    assert refused.value.reason == str(refused.value) == reason
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_the_honest_token_is_accepted(forge: Any, keys: VerificationKeys) -> None:
    assert verify_jwt(forge.token(), keys, RULES, forge.at).subject == "user-1"


def test_every_reason_has_an_attack() -> None:
    assert {reason for _, reason in ATTACKS.values()} | NEEDS_OTHER_RULES == set(get_args(Reason))
    assert len(ATTACKS) == 184


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_algorithm_outside_the_rules_is_refused(alg: str, forge: Any, keys: VerificationKeys) -> None:
    rules = JwtRules(frozenset(ALGORITHMS) - {alg}, ISSUER, AUDIENCE)
    with pytest.raises(BadToken, match="algorithm-refused"):
        verify_jwt(forge.token(alg), keys, rules, forge.at)


def test_the_confusion_of_an_operator_with_one_pem(forge: Any) -> None:
    attack, _ = ATTACKS["public PEM as HMAC secret"]
    with pytest.raises(BadToken, match="unknown-key"):
        verify_jwt(attack(forge), keys_from_pem(forge.pem()), RULES, forge.at)


BY_HEADER = [name for name, (_, reason) in ATTACKS.items() if reason in ("header-refused", "algorithm-refused")]


@pytest.mark.parametrize("name", BY_HEADER)
def test_the_header_alone_is_enough_to_refuse(name: str, forge: Any) -> None:
    """So that no key is looked for on behalf of a token that no key could save."""
    attack, reason = ATTACKS[name]
    with pytest.raises(BadToken, match=reason):
        read_header(attack(forge))
