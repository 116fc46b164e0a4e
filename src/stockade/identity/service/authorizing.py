"""What a browser goes through: a client's request, login, second factor, consent, and back (RFC 6749, section 4.1).

    GET authorize ──▶ login ──▶ (second factor) ──▶ consent ──▶ redirect to the client, with a code or an error
    GET device    ──▶ login ──▶ (second factor) ──▶ user code ──▶ consent ──▶ "go back to your device"
    GET passkeys  ──▶ login ──▶ (second factor) ──▶ a new passkey

Until client and redirect URI are known to belong together, what is wrong is told on a page of our own: an address
that a request merely brings is never redirected to (section 4.1.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stockade.grants import (
    Client,
    OwnToken,
    Refusal,
    check_challenge,
    form_targets,
    narrow_audience,
    narrow_scopes,
    of_user,
    read_user_code,
    redirect_url,
)
from stockade.grants.clients import AUTHORIZATION_CODE
from stockade.identity.service import pages
from stockade.identity.service.guesses import TooMany
from stockade.identity.service.issuing import new_grant
from stockade.identity.service.secrets import CODE, make_secret
from stockade.identity.service.tickets import LIFE, BadTicket, Ticket, seal, unseal
from stockade.identity.service.trail import DEVICE_ALLOWED, DEVICE_DENIED, FACTOR_FAILED, LOGGED_IN, LOGIN_FAILED
from stockade.second_factors import Methods

if TYPE_CHECKING:
    from stockade.identity.service.pages import Page
    from stockade.identity.service.service import People, Person, Service

_MOST_STATE = 2048
_KEPT = ("client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "resource", "audience", "dpop_jkt")
_WRONG = "Name or password is wrong."
_TOO_MANY = "Too many wrong tries. Wait some minutes."
_ENROLMENT = {"passkeys": "new"}  # what is asked for by nobody but the user
_ACR = {False: "pwd", True: "mfa"}


class Redirect(Struct, frozen=True):
    url: str


class Visit(Struct, frozen=True):
    """What a browser sends. browser: the value of our cookie, empty for none."""

    form: Mapping[str, str]
    browser: str
    at: float
    address: str = ""

    def __repr__(self) -> str:
        return "Visit()"


def begin(service: Service, visit: Visit) -> Page | Redirect:
    """GET /oauth2/authorize. Raises Refusal where nobody may be redirected."""
    form = visit.form
    client = _client(service, form)
    try:
        _check_request(client, form)
    except Refusal as refusal:
        return _back(service, form, {"error": refusal.error, "error_description": refusal.text})
    asked = {name: form[name] for name in _KEPT if name in form}
    ticket = Ticket(step="login", asked=asked, ends=visit.at + LIFE)
    return pages.login(_at(service, "login"), _seal(service, ticket, visit), client.name)


def _client(service: Service, form: Mapping[str, str]) -> Client:
    """Raises Refusal for what must not be redirected. The redirect URI is compared by its exact text."""
    client = service.clients.get(form.get("client_id", "")[:65]) if "client_id" in form else None
    if client is None or client.disabled is not None or AUTHORIZATION_CODE not in client.grants:
        raise Refusal("invalid_request", "This application is not known here.")
    if form.get("redirect_uri") not in client.redirects:
        raise Refusal("invalid_request", "The application asks to be answered at an address that is not its own.")
    return client


def _check_request(client: Client, form: Mapping[str, str]) -> None:
    """Raises Refusal for what the client is told by redirect."""
    if form.get("response_type") != "code":
        raise Refusal("unsupported_response_type", "response_type must be code")
    if form.get("response_mode", "query") != "query" or "request" in form or "request_uri" in form:
        raise Refusal("invalid_request", "neither response_mode nor request objects are taken")
    if len(form.get("state", "")) > _MOST_STATE or len(form.get("nonce", "")) > _MOST_STATE:
        raise Refusal("invalid_request", "state and nonce have 2048 characters at most")
    check_challenge(form)
    narrow_scopes(form.get("scope"), client.scopes)
    narrow_audience(form, client.audiences)
    if "none" in form.get("prompt", "").split(" "):
        raise Refusal("login_required", "the user has to log in")


def begin_device(service: Service, visit: Visit) -> Page:
    """GET /oauth2/device, where the user of a device comes to."""
    asked = {"user_code": visit.form.get("user_code", "")[:32]}
    ticket = Ticket(step="login", asked=asked, ends=visit.at + LIFE)
    return pages.login(_at(service, "login"), _seal(service, ticket, visit), "let a device in")


def begin_enrolment(service: Service, visit: Visit) -> Page:
    """GET /oauth2/passkeys, where users come to who want one."""
    ticket = Ticket(step="login", asked=_ENROLMENT, ends=visit.at + LIFE)
    return pages.login(_at(service, "login"), _seal(service, ticket, visit), _called(service, ticket))


# The pages' answers.


def log_in(service: Service, visit: Visit) -> Page | Redirect:
    """POST /oauth2/login."""
    ticket = _ticket(service, visit, "login")
    name, password = visit.form.get("username", ""), visit.form.get("password", "")
    form = (_at(service, "login"), visit.form["ticket"], _called(service, ticket))
    try:
        user = _people(service).verify(name, password, visit.at, address=visit.address)
    except TooMany as error:
        return pages.wait(pages.login(*form, _TOO_MANY), error.wait)
    if user is None or service.user(user.id, visit.at) is None:
        # Of a name that nobody has nothing is kept: people type passwords there.
        known = service.user(name, visit.at)
        _note_failure(service, visit, ticket, LOGIN_FAILED, known.id if known is not None else "")
        return pages.login(*form, _WRONG)
    ticket = replace(ticket, user=user.id, amr=("pwd",), auth_time=visit.at)
    if user.factors:
        return _ask_factor(service, visit, replace(ticket, step="factor"))
    return _logged_in(service, visit, ticket, user)


def second_factor(service: Service, visit: Visit) -> Page | Redirect:
    """POST /oauth2/factor."""
    ticket = _ticket(service, visit, "factor")
    user = _user(service, ticket, visit.at)
    try:
        method = _people(service).check_factor(user.id, visit.form.get("code", "")[:64], visit.at)
    except TooMany as error:
        _note_failure(service, visit, ticket, FACTOR_FAILED, user.id)
        return pages.wait(_ask_factor(service, visit, ticket, _TOO_MANY), error.wait)
    if method is None:
        _note_failure(service, visit, ticket, FACTOR_FAILED, user.id)
        return _ask_factor(service, visit, ticket, "The code is wrong.")
    return _logged_in(service, visit, replace(ticket, amr=("pwd", method, "mfa")), user)


def passkey(service: Service, visit: Visit) -> Page | Redirect:
    """POST /oauth2/passkey: the other way to answer the page of the second factor. Each page has a challenge of its
    own, which its sealed ticket names, and which is over with the first answer.
    """
    ticket = _ticket(service, visit, "factor")
    user = _user(service, ticket, visit.at)
    proof = _people(service).check_passkey(user.id, ticket.challenge, visit.form.get("answer", ""), visit.at)
    if proof is None:
        _note_failure(service, visit, ticket, FACTOR_FAILED, user.id)
        return _ask_factor(service, visit, ticket, "The passkey was not accepted.")
    worth = Methods.of("password", proof)
    return _logged_in(service, visit, replace(ticket, acr=worth.acr, amr=tuple(sorted(worth.amr))), user)


def _ask_factor(service: Service, visit: Visit, ticket: Ticket, trouble: str = "") -> Page:
    challenge, asked = _people(service).challenge(ticket.user, visit.at), None
    if challenge is not None:
        asked = pages.Asked(challenge.options, _at(service, "passkey"), _at(service, "passkey.js"))
    ticket = replace(ticket, challenge=challenge.id if challenge is not None else "")
    return pages.factor(_at(service, "factor"), _seal(service, ticket, visit), trouble, asked)


def _note_failure(service: Service, visit: Visit, ticket: Ticket, event: str, user: str) -> None:
    client = ticket.asked.get("client_id", "")
    service.count(event, visit.at, client=client, user=user, address=visit.address)


def _logged_in(service: Service, visit: Visit, ticket: Ticket, user: Person) -> Page | Redirect:
    client_id, methods = ticket.asked.get("client_id", ""), " ".join(ticket.amr)
    service.note(LOGGED_IN, visit.at, client=client_id, user=user.id, address=visit.address, detail=methods)
    if ticket.asked == _ENROLMENT:
        return _ask_new_passkey(service, visit, replace(ticket, step="enrolment"))
    if "client_id" not in ticket.asked:
        ticket = replace(ticket, step="device")
        code = ticket.asked.get("user_code", "")
        return pages.device_code(_at(service, "device"), _seal(service, ticket, visit), code)
    client = _client(service, ticket.asked)
    sealed = _seal(service, replace(ticket, step="consent"), visit)
    scopes = of_user(narrow_scopes(ticket.asked.get("scope"), client.scopes), user.scopes)
    targets = form_targets(ticket.asked["redirect_uri"])
    return pages.consent(_at(service, "consent"), sealed, client.name, scopes, user.name, targets)


def new_passkey(service: Service, visit: Visit) -> Page:
    """POST /oauth2/passkeys."""
    ticket = _ticket(service, visit, "enrolment")
    user, form = _user(service, ticket, visit.at), visit.form
    answer, label = form.get("answer", ""), form.get("label", "")
    if not _people(service).add_passkey(user.id, ticket.challenge, answer, label, visit.at):
        return _ask_new_passkey(service, visit, ticket, "The passkey was not accepted.")
    return pages.told("Done", "The passkey is yours: it will be asked for when you log in.")


def _ask_new_passkey(service: Service, visit: Visit, ticket: Ticket, trouble: str = "") -> Page:
    challenge = _people(service).begin_passkey(ticket.user, visit.at)
    if challenge is None:
        return pages.told("No more", "No further passkey can be added for you here.", 409)
    asked = pages.Asked(challenge.options, _at(service, "passkeys"), _at(service, "passkey.js"))
    ticket = replace(ticket, challenge=challenge.id)
    return pages.new_passkey(_seal(service, ticket, visit), ticket.user, asked, trouble)


def device(service: Service, visit: Visit) -> Page:
    """POST /oauth2/device: the user code. Tries are counted per user: a code has few letters."""
    ticket = _ticket(service, visit, "device")
    user = _user(service, ticket, visit.at)
    sealed, action, text = visit.form["ticket"], _at(service, "device"), visit.form.get("user_code", "")[:32]
    try:
        guess = service.guesses.take(visit.address, visit.at, user.id)
    except TooMany as error:
        return pages.wait(pages.device_code(action, sealed, "", _TOO_MANY), error.wait)
    code = read_user_code(text)
    found = service.tokens.device(user_code=service.digests.token(code)) if code is not None else None
    client = service.clients.get(found.client) if found is not None else None
    if found is None or client is None or found.state != "pending" or not visit.at < found.expires:
        return pages.device_code(action, sealed, text, "No device waits with that code.")
    service.guesses.right(guess, visit.at)
    ticket = replace(ticket, step="device-consent", device=found.digest.hex())
    sealed = _seal(service, ticket, visit)
    scopes = of_user(found.scopes, user.scopes)
    return pages.consent(_at(service, "device/consent"), sealed, client.name, scopes, user.name)


def device_consent(service: Service, visit: Visit) -> Page:
    """POST /oauth2/device/consent."""
    ticket = _ticket(service, visit, "device-consent")
    user, digest = _user(service, ticket, visit.at), bytes.fromhex(ticket.device)
    found = service.tokens.device(digest=digest)
    client = service.clients.get(found.client) if found is not None else None
    if found is None or client is None or not visit.at < found.expires:
        return pages.told("Too late", "The code is over. Begin again on your device.", 400)
    if visit.form.get("decision") != "allow":
        service.tokens.move_device(digest, "pending", "denied")
        service.note(DEVICE_DENIED, visit.at, client=client.id, user=user.id, address=visit.address)
        return pages.told("Denied", "The device was not let in.")
    ends = visit.at + service.settings.grant
    more = {"expires": ends, "acr": _acr(ticket), "amr": ticket.amr, "auth_time": ticket.auth_time}
    scopes = of_user(found.scopes & client.scopes, user.scopes)
    grant = new_grant(client, user.id, scopes, found.audience, visit.at, **more)
    if not service.tokens.move_device(digest, "pending", "allowed", grant):
        return pages.told("Too late", "The code was used already.", 400)
    service.note(DEVICE_ALLOWED, visit.at, client=client.id, user=user.id, address=visit.address)
    return pages.told("Done", "Go back to your device: it will go on by itself.")


def consent(service: Service, visit: Visit) -> Page | Redirect:
    """POST /oauth2/consent: back to the client."""
    ticket = _ticket(service, visit, "consent")
    user, asked = _user(service, ticket, visit.at), ticket.asked
    client = _client(service, asked)
    if visit.form.get("decision") != "allow":
        return _back(service, asked, {"error": "access_denied", "error_description": "the user said no"})
    text, at = make_secret(CODE), visit.at
    scopes = of_user(narrow_scopes(asked.get("scope"), client.scopes), user.scopes)
    more = {"expires": at + service.settings.grant, "acr": _acr(ticket), "amr": ticket.amr}
    audience = narrow_audience(asked, client.audiences)
    grant = new_grant(client, user.id, scopes, audience, at, auth_time=ticket.auth_time, **more)
    extra = {
        "redirect_uri": asked["redirect_uri"],
        "code_challenge": asked["code_challenge"],
        **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
        **({"jkt": asked["dpop_jkt"]} if "dpop_jkt" in asked else {}),  # RFC 9449, section 10
    }
    token = OwnToken(
        digest=service.digests.token(text),
        kind="code",
        grant=grant.id,
        issued=at,
        expires=at + service.settings.code,
        scopes=scopes,
        extra=extra,
    )
    service.tokens.open_grant(grant, token)
    return _back(service, asked, {"code": text})


def _back(service: Service, asked: Mapping[str, str], answer: Mapping[str, str]) -> Redirect:
    """To the client, which learns who answers (RFC 9207): that ends mix-up attacks."""
    state = {"state": asked["state"][:_MOST_STATE]} if "state" in asked else {}
    return Redirect(redirect_url(asked["redirect_uri"], {**answer, **state, "iss": service.settings.issuer}))


def _ticket(service: Service, visit: Visit, step: str) -> Ticket:
    """Raises Refusal."""
    try:
        return unseal(service.digests.tickets, visit.form.get("ticket", ""), visit.browser, step, visit.at)
    except BadTicket:
        raise Refusal("invalid_request", "This page is too old, or of another browser. Begin again.") from None


def _seal(service: Service, ticket: Ticket, visit: Visit) -> str:
    return seal(service.digests.tickets, ticket, visit.browser)


def _user(service: Service, ticket: Ticket, at: float) -> Person:
    user = service.user(ticket.user, at)
    if user is None:
        raise Refusal("access_denied", "You may not log in any more.", 403)
    return user


def _people(service: Service) -> People:
    if service.people is None:
        raise Refusal("invalid_request", "Nobody can log in here.", 404)
    return service.people


def _called(service: Service, ticket: Ticket) -> str:
    if ticket.asked == _ENROLMENT:
        return "add a passkey"
    client = service.clients.get(ticket.asked.get("client_id", "")) if "client_id" in ticket.asked else None
    return client.name if client is not None else "let a device in"


def _acr(ticket: Ticket) -> str:
    return ticket.acr or _ACR["mfa" in ticket.amr]


def _at(service: Service, page: str) -> str:
    return f"{service.settings.path}/oauth2/{page}"
