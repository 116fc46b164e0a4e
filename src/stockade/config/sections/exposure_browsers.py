"""`redirects`, `cookies`, `cors` and `csrf` of `exposure:` what browsers are told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stockade.browsers import BadOrigin, CookieRules, Cors, CrossSite, HostSet, OriginSet, Targets
from stockade.config.base import Model
from stockade.config.site import Site
from stockade.config.texts import HeaderName, Host, Method
from stockade.config.units import Duration, Flag
from stockade.controls.exposure.crossing import Crossing
from stockade.controls.exposure.destinations import Destinations


def _origin(text: Any) -> Any:
    if isinstance(text, str):
        try:
            OriginSet([text])
        except BadOrigin as error:
            raise ValueError(str(error)) from None
    return text


Origin = Annotated[str, BeforeValidator(_origin)]
SameSite = Literal["strict", "lax", "none", "keep"]


class CookieException(Model):
    """What one cookie gets instead. Without a key: as the others."""

    secure: Flag | None = None
    http_only: Flag | None = None
    same_site: SameSite | None = None


class CookieSection(Model):
    """What every Set-Cookie gets; names that begin with __Host- or __Secure- get what these promise besides."""

    secure: Flag = True
    http_only: Flag = Field(True, description="Scripts cannot read it.")
    same_site: SameSite = Field("lax", description="At least so strict; keep: as the upstream has it.")
    exceptions: dict[str, CookieException] = Field(
        {}, description="By the name of the cookie, as in {XSRF-TOKEN: {http_only: false}}"
    )


class CorsSection(Model):
    """Whose pages may read responses. What the upstream says of it is replaced; preflight requests are answered."""

    origins: list[Origin] = Field(
        [], description='"https://app.example.com", "https://*.example.com" (any host under it), or "*" alone.'
    )
    credentials: Flag = Field(False, description="Whether pages may send cookies; never with *.")
    methods: list[Method | Literal["*"]] = Field([], description="Besides GET, HEAD and POST.")
    headers: list[HeaderName] = Field([], description="Request headers that pages may set.")
    expose: list[HeaderName] = Field([], description="Response headers that pages may read.")
    max_age: Duration = Field(600.0, description="How long browsers may remember the answer to a preflight request.")


class CsrfSection(Model):
    """Requests that change something, and carry what a browser adds by itself, must come from our own pages."""

    trusted: list[Origin] = Field([], description="Origins whose pages may act for their visitors.")
    strict: Flag = Field(False, description="Refuse also what tells neither Sec-Fetch-Site, Origin nor Referer.")


def destinations(site: Site, redirects: list[Host] | None, cookies: CookieSection | None) -> Destinations | None:
    if redirects is None and cookies is None:
        return None
    if redirects is not None and "*" in redirects:
        site.warn("redirects to every host: a link to this API can lead anywhere", "exposure", "redirects")
    targets = Targets(HostSet(redirects)) if redirects is not None else None
    if cookies is None:
        return Destinations(targets, None)
    base = _rules(cookies, CookieException())
    return Destinations(targets, base, {name: _rules(cookies, entry) for name, entry in cookies.exceptions.items()})


def _rules(section: CookieSection, entry: CookieException) -> CookieRules:
    same_site = entry.same_site if entry.same_site is not None else section.same_site
    return CookieRules(
        secure=section.secure if entry.secure is None else entry.secure,
        http_only=section.http_only if entry.http_only is None else entry.http_only,
        same_site=None if same_site == "keep" else same_site,
    )


def crossing(site: Site, cors: CorsSection | None, csrf: CsrfSection | None) -> Crossing | None:
    if cors is None and csrf is None:
        return None
    return Crossing(
        _cors(site, cors) if cors is not None else None,
        CrossSite(OriginSet(csrf.trusted), strict=csrf.strict) if csrf is not None else None,
    )


def _cors(site: Site, section: CorsSection) -> Cors | None:
    try:
        return Cors(
            OriginSet(section.origins),
            credentials=section.credentials,
            methods=section.methods,
            headers=[name.lower() for name in section.headers],
            expose=[name.lower() for name in section.expose],
            max_age=int(section.max_age),
        )
    except ValueError as error:
        site.problem(str(error), "exposure", "cors", "credentials")
        return None
