"""Runs in every interpreter whose PYTHONPATH holds this folder: the supervisor's, and the one inside Envoy."""

import os

if "PROBE" in os.environ:
    from probe import install

    install()

if "PROBE_COOLDOWN" in os.environ:  # seconds between two looks at an issuer's keys
    import stockade.stores.jwks

    stockade.stores.jwks.COOLDOWN = float(os.environ["PROBE_COOLDOWN"])

if "PROBE_LOG" in os.environ:  # how many records may wait to be written
    from stockade.journal import DecisionLog

    DecisionLog.__init__.__defaults__ = (int(os.environ["PROBE_LOG"]),)

if "PROBE_FRESH" in os.environ:  # seconds for which an API key that was found is remembered
    import stockade.stores.keys

    stockade.stores.keys._FRESH = float(os.environ["PROBE_FRESH"])

if "PROBE_BROKEN" in os.environ:  # the Python half of the filter cannot be imported
    import sys

    sys.modules["stockade.gateway.envoy.bridge"] = None  # type: ignore[assignment]
