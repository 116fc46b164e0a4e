"""The words that all rooms share. Start reading here.

A door hands a `Request` to the engine. The engine runs the route's controls over one `Exchange`, in the order of the
catalogue. A control's hook answers with a `Verdict`: `Pass` (perhaps with what it learned) or `Stop` (with a ready
response). What a hook must ask the outside it asks with an `Ask`, a question with a typed reply. What it noticed it
says as a `Finding`. When all is over one `Record` says what happened.

    Request ──▶ Session ──▶ Control.on_request(Exchange) ──▶ Pass | Stop        (yielding Asks on the way)

The files in that order: `exchange`, `principals`, `verdicts`, `controls`, `asks` (from `asks/question` on), `records`.
"""

from stockade.vocabulary.asks.credentials import (
    FindApiKey,
    FindCertificate,
    FindPartner,
    FindRevocation,
    FindVerificationKeys,
    IntrospectToken,
)
from stockade.vocabulary.asks.limits import Allowance, GiveBack, Pace, TakeAll, TakeQuota, TakeTokens, Tokens
from stockade.vocabulary.asks.logins import (
    CheckPassword,
    EndSession,
    EndSessions,
    FindIssuer,
    FindPlace,
    FindSession,
    FindUser,
    LoginSession,
    NotePlace,
    OpenSession,
    RandomBytes,
    UsePasscode,
)
from stockade.vocabulary.asks.objects import Exclusive, FindOwners, Owned, Teach
from stockade.vocabulary.asks.question import Ask, Asking, StoreError
from stockade.vocabulary.controls import Control, Failure, Mode, Sieve, Watcher
from stockade.vocabulary.exchange import Exchange
from stockade.vocabulary.principals import PRINCIPAL_HEADERS, Principal
from stockade.vocabulary.records import Action, Finding, Record, Severity
from stockade.vocabulary.verdicts import PASS, Closing, Edits, Pass, Proofs, Shortcut, Stop, Texts, Verdict

__all__ = [
    "PASS",
    "PRINCIPAL_HEADERS",
    "Action",
    "Allowance",
    "Ask",
    "Asking",
    "CheckPassword",
    "Closing",
    "Control",
    "Edits",
    "EndSession",
    "EndSessions",
    "Exchange",
    "Exclusive",
    "Failure",
    "FindApiKey",
    "FindCertificate",
    "FindIssuer",
    "FindOwners",
    "FindPartner",
    "FindPlace",
    "FindRevocation",
    "FindSession",
    "FindUser",
    "FindVerificationKeys",
    "Finding",
    "GiveBack",
    "IntrospectToken",
    "LoginSession",
    "Mode",
    "NotePlace",
    "OpenSession",
    "Owned",
    "Pace",
    "Pass",
    "Principal",
    "Proofs",
    "RandomBytes",
    "Record",
    "Severity",
    "Shortcut",
    "Sieve",
    "Stop",
    "StoreError",
    "TakeAll",
    "TakeQuota",
    "TakeTokens",
    "Teach",
    "Texts",
    "Tokens",
    "UsePasscode",
    "Verdict",
    "Watcher",
]
