"""Passwords: what a good one is (NIST SP 800-63B-4, section 3.1.1), and how it is kept (argon2id, RFC 9106).

argon2 and zxcvbn are imported with the first password: a policy without users does not pay for them.
"""

from stockade.passwords.basic import Login, make_basic, read_basic
from stockade.passwords.breached import BadBreachList, BreachList, breach_digest, count_in_range
from stockade.passwords.hashing import Argon2, BadHash
from stockade.passwords.names import BadName, fold_name
from stockade.passwords.policy import Fault, PasswordPolicy
from stockade.passwords.text import BadPassword, normalised
from stockade.passwords.user import Place, User

__all__ = [
    "Argon2",
    "BadBreachList",
    "BadHash",
    "BadName",
    "BadPassword",
    "BreachList",
    "Fault",
    "Login",
    "PasswordPolicy",
    "Place",
    "User",
    "breach_digest",
    "count_in_range",
    "fold_name",
    "make_basic",
    "normalised",
    "read_basic",
]
