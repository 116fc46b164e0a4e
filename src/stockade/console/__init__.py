"""The admin API: keys, partners, certificates and who else holds credentials, changed over HTTP instead of a shell.

    operation   one call: its path, what it needs, its body       access    who asks, by an API key, and what they may
    service     the ASGI application that joins them              description  the same as OpenAPI
    resources/  one file for each kind of thing

It is served on the admin address and trusts nobody for being there. No cookie is read or set, and no other site's
page can send the header that proves who asks.
"""

from stockade.console.service import Console

__all__ = ["Console"]
