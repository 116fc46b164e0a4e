"""The errors of issuing credentials that are the asker's to mend."""

from stockade.certificates.authority import BadAuthority
from stockade.certificates.names import BadName
from stockade.certificates.requests import BadSigningRequest
from stockade.identity.api_keys import BadGrant
from stockade.identity.certificates import AuthorityExists, BadReason, NoAuthority, NoSuchCertificate
from stockade.identity.partners import BadTerms, NoSuchPartner, PartnerExists

CREDENTIAL_ERRORS: tuple[type[Exception], ...] = (
    AuthorityExists,
    BadAuthority,
    BadGrant,
    BadName,
    BadReason,
    BadSigningRequest,
    BadTerms,
    NoAuthority,
    NoSuchCertificate,
    NoSuchPartner,
    PartnerExists,
)
