"""Detectors of what should not leave: card and account numbers, identities, secrets, the insides of servers.

One pass of Hyperscan over the bytes says where to look; what is there is confirmed exactly. See `catalogue.py` for the
list, and each family's module for what it takes for one and what not.
"""

from stockade.detectors.borders import Borders
from stockade.detectors.catalogue import DETECTORS
from stockade.detectors.detector import LONGEST, REACH, Action, Detector, Severity
from stockade.detectors.inflation import BadCoding, Inflater
from stockade.detectors.scanner import Scanner, scanner
from stockade.detectors.stream import Leak, Stream

__all__ = [
    "DETECTORS",
    "LONGEST",
    "REACH",
    "Action",
    "BadCoding",
    "Borders",
    "Detector",
    "Inflater",
    "Leak",
    "Scanner",
    "Severity",
    "Stream",
    "scanner",
]
