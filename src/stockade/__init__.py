"""Stockade: an API-security gateway. Envoy moves the traffic, Python decides.

Start reading in `stockade.vocabulary`.
"""

__version__ = "0.1.0"
