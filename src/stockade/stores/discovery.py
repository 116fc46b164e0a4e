"""Where an issuer's keys and endpoints are: asked of the issuer itself."""

from __future__ import annotations

from stockade.stores.download import download
from stockade.tokens import IssuerMetadata, metadata_urls, read_metadata
from stockade.vocabulary import StoreError


async def discover(issuer: str) -> IssuerMetadata:
    """The issuer's metadata. Raises BadMetadata or StoreError."""
    first, second = metadata_urls(issuer)
    try:
        data = await download(first)
    except StoreError:
        data = await download(second)
    return read_metadata(data, issuer)
