"""What the admin API manages, one file for each kind; their operations in the order of the description."""

from stockade.console.operation import Operation
from stockade.console.resources import audit, certificates, clients, keys, partners, users

OPERATIONS: tuple[Operation, ...] = (
    *keys.OPERATIONS,
    *users.OPERATIONS,
    *clients.OPERATIONS,
    *partners.OPERATIONS,
    *certificates.OPERATIONS,
    *audit.OPERATIONS,
)
