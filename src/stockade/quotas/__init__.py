"""Rates and quotas as arithmetic: GCRA for rates, calendar periods for quotas. Pure: state in, state out."""

from stockade.quotas.allowance import Drawn, Used, draw
from stockade.quotas.calendar import PERIODS, Period, period_around
from stockade.quotas.gcra import SECOND, Taken, nanoseconds, take

__all__ = ["PERIODS", "SECOND", "Drawn", "Period", "Taken", "Used", "draw", "nanoseconds", "period_around", "take"]
