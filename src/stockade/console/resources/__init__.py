"""What the admin API manages, one file for each kind; their operations in the order of the description."""

from stockade.console.operation import Operation
from stockade.console.resources import audit, certificates, keys, partners

OPERATIONS: tuple[Operation, ...] = (
    *keys.OPERATIONS,
    *partners.OPERATIONS,
    *certificates.OPERATIONS,
    *audit.OPERATIONS,
)
