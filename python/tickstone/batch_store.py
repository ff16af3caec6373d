# SPDX-License-Identifier: Apache-2.0
"""What all stores share: batches in a transaction that is repeated, and reads without one."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .batches import BatchResult, BatchWriter, RejectedRow, Rows
from .connection_manager import ConnectionManager, Mode
from .statements import Statements
from .tables import Table

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class BatchStore(ConnectionManager):
    """Stores are mixed into DatabaseManager; this is what they stand on."""

    def _store(self, table: Table, rows: Rows) -> BatchResult:
        """Stores rows, all that can be stored in one transaction."""
        result = self._written(BatchWriter(table, rows))
        if result.rejected:
            first = result.rejected[0]
            logger.warning(
                "%s: %d rows rejected; row %d: %s", table.name, len(result.rejected), first.index, first.reason
            )
        return result

    def _store_one(self, table: Table, row: Any) -> BatchResult:
        """Stores one row; a row that is rejected is an error."""
        result = self._written(BatchWriter(table, [row]))
        if result.rejected:
            raise RejectedRow(f"{table.name}: {result.rejected[0].reason}")
        return result

    def _written(self, writer: BatchWriter) -> BatchResult:
        # Storing the same rows twice is the same as once.
        return writer.without_rows() if writer.is_empty else self._run(writer.write, Mode.TRANSACTION, True)

    def _read(self, function: Callable[[Statements], Result]) -> Result:
        """Runs reads of ours, which are repeated whatever happens, without the cost of a transaction."""
        return self._run(function, Mode.AUTOCOMMIT, True)
