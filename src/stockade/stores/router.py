"""`Stores`: the one answerer of all Asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from stockade.engine import NotNow
from stockade.stores.counters import Counters
from stockade.stores.introspection import Introspection
from stockade.stores.jwks import KeySources
from stockade.stores.login_sessions import LoginSessions
from stockade.stores.owners import Owners
from stockade.vocabulary import (
    Ask,
    CheckPassword,
    EndSession,
    EndSessions,
    FindApiKey,
    FindCertificate,
    FindIssuer,
    FindOwners,
    FindPartner,
    FindPlace,
    FindRevocation,
    FindSession,
    FindUser,
    FindVerificationKeys,
    GiveBack,
    IntrospectToken,
    NotePlace,
    OpenSession,
    RandomBytes,
    StoreError,
    TakeAll,
    TakeQuota,
    TakeTokens,
    Teach,
    UsePasscode,
)

if TYPE_CHECKING:
    from stockade.stores.database import Database
    from stockade.stores.factors import FactorStore
    from stockade.stores.issued import IssuedTokens
    from stockade.stores.keys import KeyStore
    from stockade.stores.passwords import PasswordChecks
    from stockade.stores.users import UserStore


class Stores:
    """Which store answers what. A question that nobody answers is a StoreError: fail closed, and say so."""

    def __init__(
        self,
        counters: Counters,
        keys: KeyStore | None,
        sources: KeySources,
        introspection: Introspection | None = None,
        *,
        login_sessions: LoginSessions | None = None,
        database: Database | None = None,
        issued: IssuedTokens | None = None,
        owners: Owners | None = None,
    ) -> None:
        """database: what the stores that keep tables share; it is closed with them. issued: by our own service."""
        self.counters = counters
        self.keys = keys
        self.database = database
        self.sources = sources
        self.checks: PasswordChecks | None = None
        self.factors: FactorStore | None = None
        self.introspection = introspection or Introspection()
        self.owners = owners
        self.login_sessions = login_sessions or LoginSessions((), None, sources)
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            TakeTokens: counters.take_tokens,
            TakeQuota: counters.take_quota,
            TakeAll: counters.take_all,
            GiveBack: counters.give_back,
            FindVerificationKeys: sources.find,
            IntrospectToken: self.introspection.find,
            RandomBytes: self.login_sessions.random,
            FindIssuer: self.login_sessions.find_issuer,
            OpenSession: self.login_sessions.open,
            FindSession: self.login_sessions.find,
            EndSession: self.login_sessions.end,
            EndSessions: self.login_sessions.end_all,
        }
        # The stores that may have to wait for the network.
        self._later: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            FindVerificationKeys: sources.find_later,
            IntrospectToken: self.introspection.find_later,
            FindIssuer: self.login_sessions.find_issuer_later,
            OpenSession: self.login_sessions.open_later,
            FindSession: self.login_sessions.find_later,
            EndSession: self.login_sessions.end_later,
            EndSessions: self.login_sessions.end_all_later,
        }
        self.issued = issued
        if issued is not None:
            self._add_issued(issued)
        if keys is not None:
            self._answers[FindApiKey] = keys.find
            self._later[FindApiKey] = keys.find_later
        if owners is not None:
            self._answers.update({FindOwners: owners.find, Teach: owners.teach})
        if database is not None:
            from stockade.stores.certificates import CertificateStore
            from stockade.stores.partners import PartnerStore

            certificates, partners = CertificateStore(database), PartnerStore(database)
            self._answers |= {FindCertificate: certificates.find, FindPartner: partners.find}
            self._later |= {FindCertificate: certificates.find_later, FindPartner: partners.find_later}

    def _add_issued(self, issued: IssuedTokens) -> None:
        """Whose keys and tokens they are is told by the question's source."""
        from stockade.stores.own_issuer import OWN

        sources, others, rules = self.sources, self.introspection, issued.own.rules
        self._answers[FindRevocation] = issued.find_revocation
        self._later[FindRevocation] = issued.later
        self._answers[FindVerificationKeys] = lambda ask: (issued.find_keys if ask.source == OWN else sources.find)(ask)
        self._later[FindVerificationKeys] = lambda ask: (issued.later if ask.source == OWN else sources.find_later)(ask)
        self._answers[IntrospectToken] = lambda ask: (issued.find_token if ask.source in rules else others.find)(ask)
        self._later[IntrospectToken] = lambda ask: (issued.later if ask.source in rules else others.find_later)(ask)

    def add_users(self, users: UserStore, checks: PasswordChecks, factors: FactorStore) -> None:
        """Answer what is asked of our own users, too. The checks are closed with the rest."""
        self.checks, self.factors = checks, factors
        self._answers |= {
            FindUser: users.find,
            FindPlace: users.find_place,
            NotePlace: users.note_place,
            CheckPassword: checks.find,
            UsePasscode: factors.find,
        }
        self._later |= {
            FindUser: users.find_later,
            FindPlace: users.find_place_later,
            NotePlace: users.note_place_later,
            CheckPassword: checks.find_later,
            UsePasscode: factors.find_later,
        }

    def answer(self, ask: Ask[Any]) -> Any:
        """At once, or NotNow."""
        try:
            answer = self._answers[type(ask)]
        except KeyError:
            raise StoreError(f"no store answers {type(ask).__name__}") from None
        return answer(ask)

    async def answer_later(self, ask: Ask[Any]) -> Any:
        """The same, waiting where that is needed."""
        try:
            return self.answer(ask)
        except NotNow:
            return await self._later[type(ask)](ask)

    def close(self) -> None:
        if self.checks is not None:
            self.checks.close()
        if self.keys is not None:
            self.keys.close()
        if self.database is not None:
            self.database.close()
        if self.owners is not None:
            self.owners.close()
