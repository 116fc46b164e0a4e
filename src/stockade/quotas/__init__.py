"""Rates and quotas as arithmetic: GCRA for rates, calendar periods for quotas. Pure: state in, state out."""

from stockade.quotas.calendar import PERIODS, Period, period_around
from stockade.quotas.gcra import Taken, take

__all__ = ["PERIODS", "Period", "Taken", "period_around", "take"]
