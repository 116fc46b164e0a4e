"""Ownership: whose an object is, stated or learned, and who may come near it (OWASP API1:2023)."""

from stockade.controls.ownership.guard import BodyGuard, Guard
from stockade.controls.ownership.objects import Objects, Ownership
from stockade.controls.ownership.spots import Spot, Spots
from stockade.controls.ownership.teacher import BodyTeacher, HeadTeacher, Lesson, Teacher

__all__ = [
    "BodyGuard",
    "BodyTeacher",
    "Guard",
    "HeadTeacher",
    "Lesson",
    "Objects",
    "Ownership",
    "Spot",
    "Spots",
    "Teacher",
]
