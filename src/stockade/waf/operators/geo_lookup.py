"""geoLookup: the value is an address that the geographic database knows.

    SecGeoLookupDb /usr/share/GeoIP/city.mmdb
    SecRule REMOTE_ADDR "@geoLookup" "chain,…"
    SecRule GEO:COUNTRY_CODE "@streq XX"

The database is a MaxMind DB file, which must be there at load and is opened when the first value comes. Without one
the operator never matches, as in ModSecurity. What is known of an address is for the collection GEO: COUNTRY_CODE,
COUNTRY_NAME, COUNTRY_CONTINENT, CITY, POSTAL_CODE, LATITUDE, LONGITUDE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stockade.waf.operators.base import SOMEWHERE, BadArgument, Files, Hit, Make, Test

_PATHS: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"COUNTRY_CODE", ("country", "iso_code")),
    (b"COUNTRY_NAME", ("country", "names", "en")),
    (b"COUNTRY_CONTINENT", ("continent", "names", "en")),
    (b"CITY", ("city", "names", "en")),
    (b"POSTAL_CODE", ("postal", "code")),
    (b"LATITUDE", ("location", "latitude")),
    (b"LONGITUDE", ("location", "longitude")),
)


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    """Without a database."""
    return lambda value: None  # noqa: ARG005


class Places:
    """A MaxMind DB file. Raises BadArgument where it, or the package `maxminddb`, is missing."""

    def __init__(self, path: Path) -> None:
        try:
            import maxminddb
        except ImportError:
            raise BadArgument("geoLookup needs the package maxminddb") from None
        if not path.is_file():
            raise BadArgument(f"{path}: no such database")
        self._open = maxminddb.open_database
        self._path = path
        self._database: Any = None

    def find(self, address: bytes) -> list[tuple[bytes, bytes]] | None:
        """The collection GEO for an address; None where it is unknown, or no address."""
        if self._database is None:
            self._database = self._open(str(self._path))
        try:
            found = self._database.get(address.decode("ascii"))
        except ValueError:  # no address, or an IPv6 one in a database of IPv4
            return None
        if found is None:
            return None
        values = ((name, _at(found, path)) for name, path in _PATHS)
        return [(name, value) for name, value in values if value is not None]

    def maker(self) -> Make:
        """What makes the operator on this database."""

        def test(value: bytes) -> Hit | None:
            return None if self.find(value) is None else SOMEWHERE

        return lambda argument, files: test  # noqa: ARG005


def _at(found: Any, path: tuple[str, ...]) -> bytes | None:
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return b"%f" % found if isinstance(found, float | int) else str(found).encode()
