"""Errors of databases, in their own words: MySQL, PostgreSQL, SQL Server, Oracle, SQLite, and drivers that pass them
on.

They tell an attacker that a statement broke, and often the statement. Masked to the end of the line or string.
"""

from __future__ import annotations

import re

from stockade.detectors.detector import Detector, Span, Trigger, Window, line_span

_MOST = 512
_LONGEST_TRIGGER = 120


def _said(expression: bytes) -> Trigger:
    """expression: begins with a literal of two characters or more."""
    literal = re.match(rb"[A-Za-z0-9 :]+(?!\?)", expression)[0]  # type: ignore[index]

    def confirm(window: Window) -> Span | None:
        start = window.data.rfind(literal, max(window.low, window.at - _LONGEST_TRIGGER), window.at)
        return line_span(window, start, _MOST) if start >= 0 else None

    return Trigger(expression, confirm, after=_MOST)


_TEXTS = (
    rb"You have an error in your SQL syntax",
    rb"SQLSTATE\[[0-9A-Z]{5}\]",
    rb"Unknown column '[^'\r\n]{1,64}' in '",
    rb"Duplicate entry '[^'\r\n]{0,64}' for key",
    rb"com\.mysql\.(?:cj\.)?jdbc\.",
    rb"syntax error at or near \\?\"",
    rb"unterminated quoted string at or near",
    rb"psycopg2?\.(?:errors|OperationalError|ProgrammingError|DataError|IntegrityError|InternalError)",
    rb"org\.postgresql\.util\.PSQLException",
    rb"PG::[A-Z][A-Za-z]{4,40}(?:Error|Violation)",
    rb"duplicate key value violates unique constraint",
    rb"relation \\?\"[^\"\r\n]{1,64}\\?\" does not exist",
    rb"column \\?\"[^\"\r\n]{1,64}\\?\" does not exist",
    rb"Unclosed quotation mark after the character string",
    rb"Incorrect syntax near '",
    rb"System\.Data\.SqlClient\.SqlException",
    rb"Microsoft\.Data\.SqlClient\.SqlException",
    rb"Microsoft OLE DB Provider for (?:SQL Server|ODBC)",
    rb"Conversion failed when converting the n?varchar value",
    rb"ORA-\d{5}: ",
    rb"java\.sql\.SQL[A-Za-z]{0,30}Exception",
    rb"oracle\.jdbc\.",
    rb"sqlite3\.(?:OperationalError|IntegrityError|DatabaseError|ProgrammingError)",
    rb"SQLITE_ERROR",
    rb"near \\?\"[^\"\r\n]{1,32}\\?\": syntax error",
    rb"unrecognized token: \\?\"",
    rb"no such (?:table|column): [A-Za-z_]",
    rb"UNIQUE constraint failed: ",
    rb"sqlalchemy\.exc\.",
    rb"SequelizeDatabaseError",
    rb"QueryFailedError: ",
    rb"MongoServerError: ",
    rb"Warning: mysqli?_",
    rb"Warning: pg_(?:query|exec|connect)\(",
    rb"DB2 SQL error: SQLCODE",
)

SQL_ERRORS = Detector("sql_errors", tuple(map(_said, _TEXTS)), "high", "mask", "errors of databases")
