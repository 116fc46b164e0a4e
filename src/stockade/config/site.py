"""`Site`: where a control is being built, and what its maker may use. Makers report problems to it and go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.config.base import INLINE, Secret, Section
from stockade.config.describing import describe, description_files, is_loopback
from stockade.config.errors import BadConfig, Problem
from stockade.config.hash_key import own_key
from stockade.config.users import UserSettings, user_settings
from stockade.controls.authentication import Guessing
from stockade.engine import Binding
from stockade.stores import Introspector, RelyingParty, Source
from stockade.tokens import JwtRules
from stockade.vocabulary import Control

if TYPE_CHECKING:
    from stockade.config.loading import Loaded
    from stockade.config.models import Api
    from stockade.controls.authentication import LoginPages
    from stockade.openapi.reading import Description

_AS_NAMED: Mapping[str, str] = {}


class Site:
    """One API of one policy under construction."""

    def __init__(self, loaded: Loaded, index: int, hash_key: bytes | None) -> None:
        self._loaded = loaded
        self._index = index
        self.api: Api = loaded.config.apis[index]
        self._hash_key = hash_key
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.watched: set[Path] = set()
        self.sources: list[Source] = []
        self.introspectors: list[Introspector] = []
        self.uses_owners = False
        self.parties: list[RelyingParty] = []
        self.pages: LoginPages | None = None
        self.own_rules: dict[str, JwtRules] = {}  # what tokens of our own service must satisfy, by who asks
        self.carriers: set[str] = set()  # headers that carry the credentials of the schemes that were made
        self.uses_users = False
        self.uses_secrets = False  # set it where a control asks for what is sealed
        self.uses_database = False  # set it where a control asks for what is kept
        self._read: list[Description | None] = []  # empty until someone asks

    @property
    def every_api(self) -> list[Api]:
        """All of the policy's: a client may send to one what is meant for another."""
        return self._loaded.config.apis

    @property
    def folder(self) -> Path:
        """What relative paths start from."""
        return self._loaded.folder

    def problem(self, text: str, *place: str | int) -> None:
        self.problems.append(self._loaded.problem(text, "apis", self._index, *place))

    def warn(self, text: str, *place: str | int) -> None:
        self.warnings.append(self._loaded.problem(text, "apis", self._index, *place))

    def where(self, *place: str | int) -> str:
        return self._loaded.where("apis", self._index, *place)

    def bind(
        self, control: Control, section: Section, *place: str | int, instead: Mapping[str, str] = _AS_NAMED
    ) -> Binding:
        """The control in its place, enforced as its section says.

        instead: keys of the section whose rules another key made so (`feeds` where there is no `deny`).
        """
        lines = {rule: self.where(*place, instead.get(key, key)) for rule, key in control.rules.items()}
        return Binding(control, section.mode == "monitor", section.failure, self.where(*place), lines)

    def hash_key(self) -> bytes:
        """The key of the keyed hash of API keys."""
        self.uses_database = True
        return self._hash_key or b""

    def users(self, *, secrets: bool) -> UserSettings:
        """How our own users are kept and guessed at. Who asks for it needs them; secrets: their second factors, too."""
        self.uses_users = self.uses_database = True
        self.uses_secrets |= secrets
        return user_settings(self._loaded)

    def guessing(self) -> Guessing:
        """The budgets of wrong guesses, which all APIs share."""
        return Guessing(self.own_key("guessing"), user_settings(self._loaded).lockout)

    def own_key(self, purpose: str) -> bytes:
        """A key of our own for one purpose, the same in every worker: made from the key of the keyed hash."""
        return own_key(self._hash_key or b"", purpose)

    def is_own(self, issuer: str) -> bool:
        """Whether the issuer is our own token service, whose keys and tokens are at hand."""
        identity = self._loaded.config.identity
        return identity is not None and identity.issuer == issuer

    def read_path(self, path: str, what: str, *place: str | int) -> bytes | None:
        return self.read_file(Path(path), what, *place)

    def description(self) -> Description | None:
        """What the API's `openapi` names, read once; None where it names nothing, or (a problem then) nothing good."""
        if not self._read:
            try:
                self._read.append(describe(self._loaded, self._index))
            except BadConfig as error:
                for found in error.problems:
                    if found.line:
                        self.problems.append(found)
                    else:  # no place in a description, so the place that names it
                        self.problem(f"{found.file}: {found.text}", "openapi")
                self._read.append(None)
            else:
                if self._read[0] is not None:
                    self.watched |= description_files(self._read[0])
                    self._warn_of_plain_http(self.api.openapi.url if self.api.openapi is not None else None)
        return self._read[0]

    def _warn_of_plain_http(self, url: str | None) -> None:
        if url is not None and not url.lower().startswith("https:") and not is_loopback(url):
            self.warn("the description is fetched unencrypted: whoever stands between can rewrite it", "openapi", "url")

    def read_file(self, path: Path, what: str, *place: str | int) -> bytes | None:
        """The file's content, watched for change; None, and a problem, when it cannot be read."""
        resolved = self._loaded.folder / path
        self.watched.add(resolved)
        try:
            return resolved.read_bytes()
        except OSError as error:
            self.problem(f"{what} {resolved} cannot be read: {error.strerror}", *place)
            return None

    def secret(self, secret: Secret, what: str, *place: str | int) -> bytes | None:
        """The secret's bytes; None, and a problem, when its file cannot be read. Inline text is warned of."""
        if secret.file is not None:
            data = self.read_file(secret.file, what, *place)
            return data.strip() if data is not None else None
        if secret.inline:
            self.warn(f"{what} {INLINE}", *place)
        return (secret.value or "").encode()
