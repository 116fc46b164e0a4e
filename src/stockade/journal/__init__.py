"""What happened: the decision log and the metrics. Fed with Records, off the request path."""

from stockade.journal.log import DecisionLog
from stockade.journal.metrics import Metrics, Snapshot, exposition, merge

__all__ = ["DecisionLog", "Metrics", "Snapshot", "exposition", "merge"]
