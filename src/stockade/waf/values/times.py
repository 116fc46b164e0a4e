"""Time of the request: TIME, TIME_DAY, TIME_EPOCH, TIME_HOUR, TIME_MIN, TIME_MON, TIME_SEC, TIME_WDAY, TIME_YEAR.

All are read from `request.at`, so that a replayed request gives the same answer, and in UTC, whatever the zone of the
machine. TIME is "13:04:59"; TIME_MON counts from 0 (January) and TIME_WDAY from 1 (Monday) to 7, as in ModSecurity v3;
hours, minutes, seconds and days have two digits.
"""

from __future__ import annotations

from datetime import UTC, datetime

from stockade.waf.values.base import Collection, Maker, Message, plain


def _moment(message: Message) -> datetime:
    return datetime.fromtimestamp(message.request.at, UTC)


def _formatted(form: str) -> Maker:
    def make(message: Message) -> Collection:
        return plain(_moment(message).strftime(form).encode("ascii"))

    return make


def _epoch(message: Message) -> Collection:
    return plain(b"%d" % int(message.request.at))


def _month(message: Message) -> Collection:
    return plain(b"%d" % (_moment(message).month - 1))


MAKERS: dict[str, Maker] = {
    "TIME": _formatted("%H:%M:%S"),
    "TIME_DAY": _formatted("%d"),
    "TIME_EPOCH": _epoch,
    "TIME_HOUR": _formatted("%H"),
    "TIME_MIN": _formatted("%M"),
    "TIME_MON": _month,
    "TIME_SEC": _formatted("%S"),
    "TIME_WDAY": _formatted("%u"),
    "TIME_YEAR": _formatted("%Y"),
}
