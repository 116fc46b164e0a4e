"""What rules do when they match: one file per action that does something. The rest describe, or decide."""

from stockade.waf.actions.ctl import Ctl, parse_ctl
from stockade.waf.actions.expirevar import ExpireVar, parse_expirevar
from stockade.waf.actions.initcol import InitCol, parse_initcol
from stockade.waf.actions.setuid import SetId, parse_setid
from stockade.waf.actions.setvar import SetVar, parse_setvar

__all__ = [
    "Ctl",
    "ExpireVar",
    "InitCol",
    "SetId",
    "SetVar",
    "parse_ctl",
    "parse_expirevar",
    "parse_initcol",
    "parse_setid",
    "parse_setvar",
]
