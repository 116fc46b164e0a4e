"""What of a match may be shown: not what a field holds whose name says that it is secret.

Asked when there is something to log, and never before. A value that stands in a field of its own is judged by the
field's name. Of texts that hold many fields (the query, a body, what rules have copied into TX) nobody can tell, once
they are transformed, which part came from where: they are withheld where the request has a secret in that part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from stockade.secret_names import gives_secret, mentions_secret, names_secret, redact_fields, withheld

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

_MOST_TEXT = 4096  # bytes of a value that are looked through: as many as are kept of it
_MOST_LOOKS = 256  # values of a phase that are looked through; all others are withheld
_MOST_BODY = 16_384  # bytes of a body that is looked through for secrets: about 2 ms; a larger one is said to have some
_LONGEST_NAME = 256  # characters that are shown
_NAMED = ("ARGS", "ARGS_GET", "ARGS_POST", "FILES", "FILES_TMP_CONTENT", "MULTIPART_PART_HEADERS")
_NAMES = ("ARGS_NAMES", "ARGS_GET_NAMES", "ARGS_POST_NAMES", "FILES_NAMES", "MULTIPART_NAME")
_PATH = ("REQUEST_FILENAME", "REQUEST_BASENAME", "PATH_INFO")
_TARGET = ("REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE", "QUERY_STRING")
_COPIES = ("TX", "MATCHED_VAR", "USERID")  # of what stands elsewhere in the request
_KEPT = ("IP", "GLOBAL", "SESSION", "USER", "RESOURCE")  # of what came in others
_ALWAYS = ("REQUEST_COOKIES", "FULL_REQUEST", "REMOTE_USER", "SESSIONID")
_IN_PLACE_OF_NAMES = frozenset((*_NAMED, *_NAMES))
_CAPTURES = frozenset("0123456789")
_NO_FORM = (b"{", b"[", b"<")  # with which a body begins that is a form by its content type alone
_is_word = re.compile(r"[\w.-]{2,64}").fullmatch
_MESSAGE = b"message"  # what texts are called whose names nobody knows


class Secrecy:
    """also: names, in lower case, that hold secrets here whatever they sound like."""

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._also = frozenset(also)

    def names(self, name: str) -> bool:
        """Whether a field of this name, or one that it lies in, holds a secret."""
        if names_secret(name):
            return True
        if not self._also:
            return False
        lowered = name.lower()
        return lowered in self._also or not self._also.isdisjoint(lowered.replace("]", "").replace("[", ".").split("."))

    def over(self, transaction: Transaction) -> Veil:
        return Veil(self, transaction)


class Veil:
    """What may be shown of a transaction in its present phase."""

    def __init__(self, secrecy: Secrecy, transaction: Transaction) -> None:
        self.phase = transaction.phase
        self._secrecy = secrecy
        self._transaction = transaction
        self._values = transaction.values
        self.captured: Collection[str] = ()  # by the match that is told: the digits of TX that hold parts of it
        self._looked: dict[bytes, bool] = {}

    def variable(self, variable: bytes) -> str:
        """The variable as it is shown. A client that sends no form for a form makes a name of what it sends."""
        collection, key = _parted(variable)
        if not key:
            return collection
        if not self._is_name(collection, key):
            return f"{collection}:{withheld(key)}"
        name = _text(key)
        return f"{collection}:{redact_fields(name[:_LONGEST_NAME])}{'…' if len(name) > _LONGEST_NAME else ''}"

    def hides(self, variable: bytes, value: bytes) -> bool:
        """Whether a value of this variable is withheld; `value` as an operator saw it."""
        collection, key = _parted(variable)
        if collection.startswith("&"):
            return False
        judge = _JUDGES.get(collection, Veil._hides_text)
        return judge(self, collection, key, value)

    def hides_macro(self, collection: str, key: str, value: bytes) -> bool:
        """Whether what a macro stands for is withheld, in what a rule says of its match."""
        matched = self._transaction.matched
        if collection == "MATCHED_VAR":
            return bool(matched) and self.hides(*matched[-1])
        if collection in ("MATCHED_VAR_NAME", "MATCHED_VARS_NAMES"):
            return not all(self._is_name(*_parted(variable)) for variable, _ in matched)
        if collection == "TX" and key in _CAPTURES:
            return self.hides(*matched[-1]) if key in self.captured else self._has_secret
        if not key and collection in ("ARGS", "ARGS_GET", "ARGS_POST", "REQUEST_HEADERS"):
            return self._has_secret
        return self.hides(f"{collection}:{key}".encode() if key else collection.encode(), value)

    # By collection.

    def _hides_text(self, _: str, __: bytes, value: bytes) -> bool:
        known = self._looked.get(value)
        if known is None:
            if len(self._looked) >= _MOST_LOOKS:
                return True
            known = self._looked[value] = gives_secret(_text(value))
        return known

    def _hides_field(self, collection: str, key: bytes, value: bytes) -> bool:
        if self._names(key) or _group(key) in self._secret_groups:
            return True
        return not self._is_name(collection, key) or self._hides_text(collection, key, value)

    def _hides_name(self, collection: str, key: bytes, value: bytes) -> bool:
        return not self._is_name(collection, key) or self._hides_text(collection, key, value)

    def _hides_header(self, collection: str, key: bytes, value: bytes) -> bool:
        return self._names(key) or self._hides_text(collection, key, value)

    def _hides_path(self, *_: object) -> bool:
        return self._path_mentions

    def _hides_target(self, *_: object) -> bool:
        return self._path_mentions or self._query_mentions

    def _hides_body(self, collection: str, key: bytes, value: bytes) -> bool:
        return self._body_mentions or self._hides_text(collection, key, value)

    def _hides_copy(self, _: str, __: bytes, value: bytes) -> bool:
        """Scores are shown, and the like; a number that is a secret's value is no score."""
        return value in self._secrets if value.isdigit() else self._has_secret

    def _hides_matched(self, _: str, key: bytes, value: bytes) -> bool:
        """Its keys are variables."""
        nested = key.startswith(b"MATCHED_VARS")
        return self._has_secret if nested or not key else self.hides(key, value)

    def _hides_kept(self, _: str, __: bytes, value: bytes) -> bool:
        return not value.isdigit()

    def _hides_auth_type(self, *_: object) -> bool:
        """All of a credential, where it comes without a scheme."""
        return not all(" " in line for line in self._values.request.headers.all("authorization"))

    def _hides(self, *_: object) -> bool:
        return True

    # What the request has, looked up once.

    def _names(self, key: bytes) -> bool:
        return self._secrecy.names(key.decode("utf-8", "replace"))

    def _is_name(self, collection: str, key: bytes) -> bool:
        """Whether what stands where a name should is one."""
        if collection.startswith("REQUEST_COOKIES"):  # of what has no equals sign, browsers make a value
            return key in self._cookies
        if collection == "MATCHED_VARS":
            return self._is_name(*_parted(key))
        if collection == "MULTIPART_FILENAME":  # names itself
            return not any(self._names(name) for name, _ in self._values["FILES"])
        return collection not in _IN_PLACE_OF_NAMES or not self._is_no_form or key in self._in_query

    @cached_property
    def _path_mentions(self) -> bool:
        return mentions_secret(_text(self._target.partition(b"?")[0]))

    @cached_property
    def _query_mentions(self) -> bool:
        if any(map(self._names, self._in_query)):
            return True
        query = _text(self._target.partition(b"?")[2])
        return gives_secret(query) or gives_secret(unquote_plus(query))

    @property
    def _target(self) -> bytes:
        return self._values["REQUEST_URI_RAW"][0][1]

    @cached_property
    def _in_query(self) -> frozenset[bytes]:
        return frozenset(name for name, _ in self._values["ARGS_GET"])

    @cached_property
    def _cookies(self) -> frozenset[bytes]:
        return frozenset(name for name, value in self._values["REQUEST_COOKIES"] if value)

    @cached_property
    def _is_no_form(self) -> bool:
        """Whether the arguments of the body are pieces of something that is none, and holds secrets."""
        values = self._values
        odd = values.processor == "URLENCODED" and values.body.lstrip().startswith(_NO_FORM)
        return odd and self._body_mentions

    @cached_property
    def _body_mentions(self) -> bool:
        values = self._values
        if len(values.body) > _MOST_BODY or mentions_secret(values.body.decode("utf-8", "replace")):
            return True
        if any(map(self._names, {name for name, _ in values.post})):
            return True
        document = values.xml_body
        return document is not None and any(map(self._secrecy.names, document.names()))

    @cached_property
    def _secret_groups(self) -> frozenset[bytes]:
        """Those of which one member says what another holds, `{"name": "password", "value": …}`."""
        found = set()
        for name, value in self._values["ARGS"]:
            group = _group(name)
            if group and len(value) <= 64 and group not in found:
                text = value.decode("utf-8", "replace")
                if _is_word(text) and self._secrecy.names(text):
                    found.add(group)
        return frozenset(found)

    @cached_property
    def _secrets(self) -> frozenset[bytes]:
        """What the fields hold that are secret; a body that nobody could read may hold others."""
        values = self._values
        fields = (*values["ARGS"], *values["REQUEST_HEADERS"])
        held = [value for name, value in fields if self._names(name)]
        return frozenset(value.strip() for value in (*held, *(value for _, value in values["REQUEST_COOKIES"])))

    @cached_property
    def _has_secret(self) -> bool:
        if self._body_mentions or self._path_mentions or self._query_mentions:
            return True
        known = bool(self._secrets or self._secret_groups)
        return known or any(gives_secret(_text(value)) for _, value in self._values["REQUEST_HEADERS"])


def _text(value: bytes) -> str:
    return value[:_MOST_TEXT].decode("utf-8", "replace")


def _parted(variable: bytes) -> tuple[str, bytes]:
    collection, _, key = variable.partition(b":")
    return collection.decode("utf-8", "replace"), key


def _group(name: bytes) -> bytes:
    return name if name == _MESSAGE else name.rpartition(b".")[0]


_JUDGES: dict[str, Callable[[Veil, str, bytes, bytes], bool]] = {
    **dict.fromkeys(_NAMED, Veil._hides_field),
    **dict.fromkeys((*_NAMES, "REQUEST_COOKIES_NAMES", "MULTIPART_FILENAME"), Veil._hides_name),
    **dict.fromkeys(_PATH, Veil._hides_path),
    **dict.fromkeys(_TARGET, Veil._hides_target),
    **dict.fromkeys(("REQUEST_BODY", "XML"), Veil._hides_body),
    **dict.fromkeys(("REQUEST_HEADERS", "RESPONSE_HEADERS"), Veil._hides_header),
    "MATCHED_VARS": Veil._hides_matched,
    **dict.fromkeys(_COPIES, Veil._hides_copy),
    **dict.fromkeys(_KEPT, Veil._hides_kept),
    **dict.fromkeys(_ALWAYS, Veil._hides),
    "AUTH_TYPE": Veil._hides_auth_type,
}
