"""FTW, the format in which the OWASP Core Rule Set is tested: reading, sending, playing and judging such tests.

    parsed = parse(text, "942100.yaml")
    outcomes = list(run(parsed.cases, in_process(inspect), exclusions={}))

Nothing here opens a file or a socket: see `stockade waf test`.
"""

from stockade.problems import Problem
from stockade.waf.ftw.exclusions import parse_exclusions
from stockade.waf.ftw.following import Astray, Trail
from stockade.waf.ftw.judging import Seen, shortcomings
from stockade.waf.ftw.junit import junit, told
from stockade.waf.ftw.model import Case, Expected, Input, Parsed, Reply, Stage
from stockade.waf.ftw.observing import log_line, observed, response_text
from stockade.waf.ftw.reading import parse
from stockade.waf.ftw.receiving import Refused, Unanswered, read_request_bytes
from stockade.waf.ftw.running import Inspect, Outcome, Play, in_process, judge, run
from stockade.waf.ftw.sending import request_bytes
from stockade.waf.ftw.setup import BLOCKING, ENGINE, tuning

__all__ = [
    "BLOCKING",
    "ENGINE",
    "Astray",
    "Case",
    "Expected",
    "Input",
    "Inspect",
    "Outcome",
    "Parsed",
    "Play",
    "Problem",
    "Refused",
    "Reply",
    "Seen",
    "Stage",
    "Trail",
    "Unanswered",
    "in_process",
    "judge",
    "junit",
    "log_line",
    "observed",
    "parse",
    "parse_exclusions",
    "read_request_bytes",
    "request_bytes",
    "response_text",
    "run",
    "shortcomings",
    "told",
    "tuning",
]
