"""Secrets at rest: each is encrypted under a data key of its own, and that under a key that is kept elsewhere.

    Envelope(KeyRing.of(key, *old_keys)).seal(b"the secret", b"what it belongs to")

Pure: where the outer key comes from is the caller's to say; a ring may also be a service that never gives it away.
"""

from stockade.envelopes.envelope import BadEnvelope, Envelope, sealed_under
from stockade.envelopes.ring import BadKey, KeyRing, Ring, parse_key

__all__ = ["BadEnvelope", "BadKey", "Envelope", "KeyRing", "Ring", "parse_key", "sealed_under"]
