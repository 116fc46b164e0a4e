"""Where a described API is weak: its description held against the OWASP API Security Top 10 (2023).

Nothing here refuses a description. What is found is a posture report: `stockade check` prints it.
"""

from stockade.openapi.posture.looking import Weakness
from stockade.openapi.posture.report import posture
from stockade.openapi.posture.rules import RULES, Rule

__all__ = ["RULES", "Rule", "Weakness", "posture"]
