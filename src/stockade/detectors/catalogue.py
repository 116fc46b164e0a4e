"""All detectors, in the order in which they are listed."""

from __future__ import annotations

from stockade.detectors.cards import CARDS
from stockade.detectors.detector import Detector
from stockade.detectors.emails import EMAILS
from stockade.detectors.env_files import ENV_FILES
from stockade.detectors.hosts import HOSTS
from stockade.detectors.iban import IBAN
from stockade.detectors.jwts import JWTS
from stockade.detectors.listings import LISTINGS
from stockade.detectors.national_ids import NATIONAL_IDS
from stockade.detectors.password_hashes import PASSWORD_HASHES
from stockade.detectors.phones import PHONES
from stockade.detectors.private_keys import PRIVATE_KEYS
from stockade.detectors.source_code import SOURCE_CODE
from stockade.detectors.sql_errors import SQL_ERRORS
from stockade.detectors.stack_traces import STACK_TRACES
from stockade.detectors.tokens import TOKENS

DETECTORS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        CARDS,
        IBAN,
        NATIONAL_IDS,
        EMAILS,
        PHONES,
        HOSTS,
        PRIVATE_KEYS,
        TOKENS,
        JWTS,
        PASSWORD_HASHES,
        STACK_TRACES,
        SQL_ERRORS,
        LISTINGS,
        SOURCE_CODE,
        ENV_FILES,
    )
}
