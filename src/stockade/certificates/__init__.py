"""A private certificate authority: root and issuing CA, what it signs for whom, and what it has taken back (RFC 5280).

    names      who may be called what                   requests   a CSR, read and judged (RFC 2986)
    weakness   keys that are not worth signing          authority  root, issuing CA, certificates for clients
    records    what is kept of each certificate         revocation lists of what was revoked, made and checked

Pure: times arrive as epoch seconds, serial numbers and keys as values. Cheap to import, for the request path knows
records; cryptography comes in with the modules that need it, each of which is imported by its own name.
"""

from stockade.certificates.records import CertificateRecord, Partner

__all__ = ["CertificateRecord", "Partner"]
