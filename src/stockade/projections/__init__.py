"""JSON with less in it: members removed, masked or hashed by place, all else as it was.

plan = Planner(rules).plan(shape)           # once
cut = plan.cut((MASK, None))                # once for each set of permissions
body = project(body, cut)                   # None: nothing had to change
"""

from stockade.projections.actions import MASK, REMOVE, Action, hasher
from stockade.projections.paths import BadPath, Path, Step, parse_path, parse_steps
from stockade.projections.planning import Declared, Plan, Planner, Rule
from stockade.projections.projecting import Unprojectable, project

__all__ = [
    "MASK",
    "REMOVE",
    "Action",
    "BadPath",
    "Declared",
    "Path",
    "Plan",
    "Planner",
    "Rule",
    "Step",
    "Unprojectable",
    "hasher",
    "parse_path",
    "parse_steps",
    "project",
]
