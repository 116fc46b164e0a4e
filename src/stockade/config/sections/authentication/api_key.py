"""`api_key:` keys of our own."""

from __future__ import annotations

from pydantic import Field

from stockade.config.base import Model
from stockade.config.site import Site
from stockade.config.texts import HeaderName
from stockade.config.units import Flag
from stockade.controls.authentication import ApiKeys, Scheme


class ApiKeyScheme(Model):
    """Keys issued by `stockade keys`."""

    header: HeaderName = Field("X-API-Key", description="The request header that carries the key.")
    forward: Flag = Field(False, description="Whether the upstream gets to see the key.")


def make_api_key(site: Site, item: ApiKeyScheme, *place: str | int) -> Scheme:  # noqa: ARG001 - as its neighbours
    return ApiKeys(header=item.header, hash_key=site.hash_key(), forward=item.forward, guessing=site.guessing())
