"""What a browser is shown: a few pages of plain HTML, with one style that the policy names by hash.

There is no script in them. The page that asks for a passkey names one, of our own origin, and works without it for
whoever types in a code.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a}"
    "label{display:block;margin:1rem 0 .25rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}"
    "button{font:inherit;padding:.5rem 1.5rem;margin:1.5rem .5rem 0 0}.trouble{color:#a40000}"
    "@media(prefers-color-scheme:dark){body{background:#16181a;color:#e8e8e8}.trouble{color:#ff8a80}}"
)
SCRIPT: Final = (Path(__file__).parent / "passkey.js").read_bytes()
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


class Page(Struct, frozen=True):
    """A page and who its forms may lead to, besides ourselves. status: of the response. script: whether it names our
    own.
    """

    html: str
    targets: str = ""
    status: int = 200
    script: bool = False

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        action = f"'self' {self.targets}".strip()
        script = "script-src 'self'; " if self.script else ""
        csp = (
            f"default-src 'none'; {script}style-src 'sha256-{_HASH}'; form-action {action}; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        return (
            ("content-security-policy", csp),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        )


def login(action: str, ticket: str, client: str, trouble: str = "") -> Page:
    fields = (
        '<label for="name">Name</label>'
        '<input id="name" name="username" autocomplete="username" maxlength="256" required autofocus>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        'maxlength="1024" required>'
        "<button>Log in</button>"
    )
    return _page("Log in", f"<p>to go on to <b>{escape(client)}</b></p>{_form(action, ticket, fields, trouble)}")


class Asked(Struct, frozen=True):
    """What is asked of an authenticator. options: JSON for the browser. action: of the form. script: where ours is."""

    options: str
    action: str
    script: str


def factor(action: str, ticket: str, trouble: str = "", passkey: Asked | None = None) -> Page:
    """passkey: for a user who has one; a code is good all the same."""
    fields = (
        '<label for="code">Code</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" '
        'maxlength="64" required autofocus>'
        "<button>Go on</button>"
    )
    form = _form(action, ticket, fields, trouble)
    if passkey is None:
        return _page("Second factor", form)
    said = "No passkey was shown. Try again, or type in a code."
    button = "<button>Use a passkey</button>"
    return replace(_page("Second factor", form + _passkey(ticket, passkey, said, button)), script=True)


def new_passkey(ticket: str, user: str, passkey: Asked, trouble: str = "") -> Page:
    fields = (
        '<label for="label">What you call it, such as the name of this device</label>'
        '<input id="label" name="label" maxlength="64" autocomplete="off"><button>Add a passkey</button>'
    )
    told = f'<p class="trouble" role="alert">{escape(trouble)}</p>' if trouble else ""
    said = "No passkey was made. This device may hold one of yours already; try another, or try again."
    text = f"<p>You are <b>{escape(user)}</b>. From then on you will be asked for a second factor.</p>{told}"
    return replace(_page("Add a passkey", text + _passkey(ticket, passkey, said, fields)), script=True)


def _passkey(ticket: str, asked: Asked, said: str, fields: str) -> str:
    """Hidden until the script is there: without it the form can do nothing. said: when the browser has none."""
    return (
        "<noscript><p>Passkeys need a script: allow this page its own.</p></noscript>"
        f'<p id="passkey-trouble" class="trouble" role="alert" hidden>{said}</p>'
        f'<form method="post" action="{escape(asked.action)}" data-passkey="{escape(asked.options)}" hidden>'
        f'<input type="hidden" name="ticket" value="{escape(ticket)}"><input type="hidden" name="answer">'
        f'{fields}</form><script src="{escape(asked.script)}" defer></script>'
    )


def consent(action: str, ticket: str, client: str, scopes: Iterable[str], user: str, targets: str = "") -> Page:
    listed = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(scopes)) or "<li>nothing but to know you</li>"
    buttons = '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>'
    text = f"<p>You are <b>{escape(user)}</b>. <b>{escape(client)}</b> asks for:</p><ul>{listed}</ul>"
    return _page("Allow access?", text + _form(action, ticket, buttons), targets)


def device_code(action: str, ticket: str, code: str, trouble: str = "") -> Page:
    fields = (
        '<label for="user_code">The code that your device shows</label>'
        f'<input id="user_code" name="user_code" value="{escape(code)}" autocomplete="off" '
        'maxlength="32" required autofocus>'
        "<button>Go on</button>"
    )
    warning = "<p>Type in a code only if you began this yourself, on a device that you have before you.</p>"
    return _page("Let a device in", warning + _form(action, ticket, fields, trouble))


def told(title: str, text: str, status: int = 200) -> Page:
    return _page(title, f"<p>{escape(text)}</p>", status=status)


def _form(action: str, ticket: str, fields: str, trouble: str = "") -> str:
    said = f'<p class="trouble" role="alert">{escape(trouble)}</p>' if trouble else ""
    hidden = f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
    return f'{said}<form method="post" action="{escape(action)}">{hidden}{fields}</form>'


def _page(title: str, body: str, targets: str = "", status: int = 200) -> Page:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    html = f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head>'
    return Page(f"{html}<body><h1>{escape(title)}</h1>{body}</body></html>", targets, status)
