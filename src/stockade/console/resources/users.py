"""Users over the admin API. Their own audit says who did what."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from stockade.console.access import check_grant
from stockade.console.operation import READ, WRITE, Asked, Body, Operation
from stockade.console.resources.fields import DurationText, Text, Texts, moment, seconds, without
from stockade.passwords import User

_WHAT = "users"
_ONE = "/users/{name}"


class NewUser(Body):
    """A user to add."""

    name: Text
    password: str | None = Field(None, max_length=1024, description="Default: none, so nobody can log in yet.")
    roles: Texts = Field([])
    scopes: Texts = Field([])
    tenant: Text = ""
    email: Text = ""
    expires_in: DurationText | None = None


class UserChange(Body):
    """What shall be otherwise; what is not named stays."""

    roles: Texts = Field([])
    scopes: Texts = Field([])
    tenant: Text = ""
    email: Text = ""
    disabled: bool = False


class NewPassword(Body):
    """A password to set."""

    password: str | None = Field(None, max_length=1024, description="Default: a random one, which is shown once.")


def listed(asked: Asked) -> Any:
    with asked.office.users() as users:
        return {"users": [described(user, asked.at) for user in users.all()]}


def added(asked: Asked) -> Any:
    body: NewUser = asked.body
    check_grant(asked.caller, body.scopes)
    expires = asked.at + seconds(body.expires_in, "expires_in") if body.expires_in is not None else None
    with asked.office.users() as users:
        user = users.add(
            *(body.name, asked.at, asked.caller.actor),
            **without(body, "name", "expires_in"),
            expires=expires,
        )
    return described(user, asked.at)


def shown(asked: Asked) -> Any:
    with asked.office.users() as users:
        user = users.find(asked.path["name"])
        audit = [
            {"at": moment(row.at), "actor": row.actor, "action": row.action, "details": row.detail}
            for row in users.audit(user.name)
        ]
    return {**described(user, asked.at), "audit": audit}


def changed(asked: Asked) -> Any:
    body: UserChange = asked.body
    name, at, actor = asked.path["name"], asked.at, asked.caller.actor
    check_grant(asked.caller, body.scopes)
    with asked.office.users() as users:
        check_grant(asked.caller, users.find(name).scopes)
        rights = without(body, "email", "disabled")
        if rights:
            users.set_rights(name, at, actor, **rights)
        if "email" in body.model_fields_set:
            users.set_email(name, body.email, at, actor)
        if "disabled" in body.model_fields_set:
            (users.disable if body.disabled else users.enable)(name, at, actor)
        return described(users.find(name), at)


def password_set(asked: Asked) -> Any:
    body: NewPassword = asked.body
    name, at, actor = asked.path["name"], asked.at, asked.caller.actor
    with asked.office.users() as users:
        check_grant(asked.caller, users.find(name).scopes)
        if body.password is None:
            return {"password": users.reset_password(name, at, actor), **described(users.find(name), at)}
        return described(users.set_password(name, body.password, at, actor), at)


def removed(asked: Asked) -> Any:
    with asked.office.users() as users:
        check_grant(asked.caller, users.find(asked.path["name"]).scopes)
        user = users.remove(asked.path["name"], asked.at, asked.caller.actor)
    return {**described(user, asked.at), "state": "removed"}


def described(user: User, at: float) -> dict[str, Any]:
    """All but its password's hash."""
    return {
        "id": user.id,
        "name": user.name,
        "state": user.refusal(at) or ("active" if user.password else "no password"),
        "roles": sorted(user.roles),
        "scopes": sorted(user.scopes),
        "tenant": user.tenant,
        "email": user.email,
        "factors": sorted(user.factors),
        "created": moment(user.created),
        "disabled": moment(user.disabled),
        "expires": moment(user.expires),
    }


OPERATIONS = (
    Operation("GET", "/users", _WHAT, READ, "All users.", listed),
    Operation("POST", "/users", _WHAT, WRITE, "Add a user.", added, NewUser, 201),
    Operation("GET", _ONE, _WHAT, READ, "One user, and who changed what.", shown),
    Operation("PATCH", _ONE, _WHAT, WRITE, "Rights, address, disabled or not.", changed, UserChange),
    Operation("POST", f"{_ONE}/password", _WHAT, WRITE, "Set or reset the password.", password_set, NewPassword),
    Operation("DELETE", _ONE, _WHAT, WRITE, "Remove it; the name is never given again.", removed),
)
