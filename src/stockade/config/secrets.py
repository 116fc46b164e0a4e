"""The `secrets` section: the key under which everything secret is stored, and from where it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from stockade.config.base import INLINE, Model, Secret
from stockade.config.describing import is_loopback
from stockade.config.errors import BadConfig, Problem, written
from stockade.config.key_files import make_key_file
from stockade.config.texts import FilePath, check_url
from stockade.envelopes import BadKey, Envelope, KeyRing, Ring, parse_key
from stockade.stores.key_file import KeyFile
from stockade.vocabulary import StoreError

if TYPE_CHECKING:
    from stockade.config.loading import Loaded

_is_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}").fullmatch


def _vault_url(value: Any) -> Any:
    if isinstance(value, str):
        check_url(value, "https://vault.internal:8200")
        if not value.startswith("https://") and not is_loopback(value):
            raise ValueError(f"{written(value)}: keys must come over https (http only from this machine)")
    return value


def _vault_name(value: Any) -> Any:
    if isinstance(value, str) and _is_name(value) is None:
        raise ValueError(f"{written(value)} is not a name in Vault: letters, digits, -, _ and ., 40 at most")
    return value


VaultName = Annotated[str, BeforeValidator(_vault_name)]


class VaultSection(Model):
    """A key of HashiCorp Vault's transit engine, which never leaves it. Log in by a token or as an AppRole."""

    url: Annotated[str, BeforeValidator(_vault_url)] = Field(description="https://vault.internal:8200")
    key: VaultName = Field("stockade", description="The key's name in the transit engine.")
    mount: VaultName = Field("transit", description="Where the transit engine is mounted.")
    namespace: str = Field("", description="Of Vault Enterprise.")
    ca: FilePath | None = Field(None, description="PEM file with the authorities to trust; default: certifi's.")
    token: Secret | None = Field(None, description="A token; a file is read again when the token has run out.")
    role_id: str = Field("", description="The AppRole's id.")
    secret_id: Secret | None = Field(None, description="The AppRole's secret.")

    @model_validator(mode="after")
    def _one_login(self) -> VaultSection:
        if (self.token is None) == (self.secret_id is None) or bool(self.role_id) != (self.secret_id is not None):
            raise ValueError("log in to Vault by token, or by role_id and secret_id")
        return self


class SecretsSection(Model):
    """The key-encryption key of all that is kept secret: TOTP secrets, private keys, clients' secrets."""

    key: Secret = Field(
        Secret(file=Path("stockade.secret-key")),
        validate_default=False,
        description="32 bytes in hexadecimal or base64, or a file of such lines; the default is made when missing.",
    )
    old_keys: list[Secret] = Field([], description="Keys that only open what was sealed under them.")
    vault: VaultSection | None = None

    @model_validator(mode="after")
    def _one_source(self) -> SecretsSection:
        if self.vault is not None and {"key", "old_keys"} & self.model_fields_set:
            raise ValueError("the key is in Vault, or it is written here: both cannot be")
        if self.old_keys and self.key.file is not None:
            raise ValueError("old keys stand in the key's own file, in the lines below it")
        return self


def read_envelope(loaded: Loaded) -> Envelope:
    """What seals and opens. Raises BadConfig; Vault is not asked before it is needed."""
    return Envelope(read_ring(loaded))


def read_ring(loaded: Loaded) -> Ring:
    """Raises BadConfig."""
    section = loaded.config.secrets
    if section.vault is not None:
        return _vault(loaded, section.vault)
    if section.key.file is not None:
        return _file(loaded, section)
    try:
        return KeyRing.of(
            *(parse_key(each.value or "") for each in (section.key, *map(_inline_only, section.old_keys)))
        )
    except BadKey as error:
        raise BadConfig([loaded.problem(f"the key of secrets: {error}", "secrets")]) from None


def _inline_only(secret: Secret) -> Secret:
    if secret.file is not None:
        raise BadKey("with a key from the environment, old keys come from there too")
    return secret


def _file(loaded: Loaded, section: SecretsSection) -> Ring:
    assert section.key.file is not None
    path = loaded.folder / section.key.file
    ring = KeyFile(path)
    try:
        # One that the operator named and that is gone must not be replaced: every secret in the store hangs on it.
        # Nor one that other machines must have too: they could not open what is sealed here.
        if not path.exists() and "key" not in section.model_fields_set and loaded.config.database.url is None:
            if loaded.would_make is not None:
                loaded.would_make.append(path)
                return KeyRing.of(token_bytes(32))
            make_key_file(path)
        _ = ring.current
    except OSError as error:
        text = f"{path}: the key of secrets cannot be made: {error.strerror}"
        raise BadConfig([loaded.problem(text, "secrets", "key")]) from None
    except StoreError as error:
        raise BadConfig([loaded.problem(str(error), "secrets", "key")]) from None
    return ring


def _vault(loaded: Loaded, section: VaultSection) -> Ring:
    from stockade.stores.vault import VaultPlace, VaultTransit

    try:
        import hvac  # noqa: F401
    except ImportError:
        text = "Vault needs a package that is not here: pip install 'stockade[vault]'"
        raise BadConfig([loaded.problem(text, "secrets", "vault")]) from None
    return VaultTransit(
        VaultPlace(
            section.url.rstrip("/"),
            section.key,
            section.mount,
            section.namespace,
            loaded.folder / section.ca if section.ca is not None else None,
            _reader(loaded, section.token),
            section.role_id,
            _reader(loaded, section.secret_id),
        )
    )


def _reader(loaded: Loaded, secret: Secret | None) -> Callable[[], str] | None:
    if secret is None:
        return None
    if secret.file is None:
        value = secret.value or ""
        return lambda: value
    path = loaded.folder / secret.file
    return lambda: path.read_text().strip()


def warn_of_secrets(loaded: Loaded) -> list[Problem]:
    """Of a key, or of the way to it, that stands in the policy itself."""
    section = loaded.config.secrets
    vault = section.vault
    written_here = [
        ("key", section.key),
        *(("old_keys", each) for each in section.old_keys),
        *((("vault", vault.token), ("vault", vault.secret_id)) if vault is not None else ()),
    ]
    return [
        loaded.problem(f"the key of secrets {INLINE}", "secrets", place)
        for place, secret in written_here
        if secret is not None and secret.inline
    ]
