"""Rates and quotas as arithmetic: GCRA for rates, calendar periods for quotas. Pure: state in, state out."""

from stockade.quotas.calendar import PERIODS, Period, period_around
from stockade.quotas.gcra import SECOND, Taken, take

__all__ = ["PERIODS", "SECOND", "Period", "Taken", "period_around", "take"]
