# SPDX-License-Identifier: Apache-2.0
"""How models did and which features mattered to them."""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from . import tables
from .batch_store import BatchStore
from .batches import BatchResult, BatchWriter, RejectedRow, Rows
from .statements import Statements


class ModelResultStore(BatchStore):
    """The model training's side."""

    def store_model_performance(
        self, model_id: str, model_type: str, metrics: Mapping[str, Any], *, parameters: Mapping[str, Any] | None = None,
        timestamp: Any = None, feature_importance: Mapping[str, Any] | None = None,
    ) -> dt.datetime:
        """Stores a model's metrics and, in the same transaction, its features' importance; the time it is stored under,
        now unless given."""
        time = dt.datetime.now(dt.timezone.utc) if timestamp is None else tables.time(timestamp)
        writers = [BatchWriter(tables.MODEL_PERFORMANCE, [{
            "model_id": model_id, "model_type": model_type, "timestamp": time, "metrics": dict(metrics),
            "parameters": None if parameters is None else dict(parameters),
        }])]
        if feature_importance:
            writers.append(BatchWriter(tables.FEATURE_IMPORTANCE, [
                (model_id, time, name, importance) for name, importance in feature_importance.items()
            ]))

        def write(on: Statements) -> None:
            for writer in writers:
                result = writer.without_rows() if writer.is_empty else writer.write(on)
                if result.rejected:
                    raise RejectedRow(f"{model_id}: {result.rejected[0].reason}")

        self.run_transaction(write, idempotent=True)
        return time

    def store_feature_importance(self, importance: Rows) -> BatchResult:
        """Stores rows (model_id, timestamp, feature_name, importance)."""
        return self._store(tables.FEATURE_IMPORTANCE, importance)

    def get_model_performance(self, model_id: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest results, of one model if it is given, newest first."""
        query = """SELECT * FROM model_performance WHERE %(model)s::text IS NULL OR model_id = %(model)s
            ORDER BY timestamp DESC, model_id LIMIT %(limit)s"""
        return self._read(lambda on: on.fetch_dicts(query, {"model": model_id, "limit": limit}))

    def get_feature_importance(self, model_id: str, timestamp: Any = None) -> dict[str, Any]:
        """A model's features by falling importance, as of its newest result not later than the time."""
        time = None if timestamp is None else tables.time(timestamp)
        query = """SELECT feature_name, importance FROM feature_importance WHERE model_id = %(model)s AND timestamp = (
            SELECT max(timestamp) FROM feature_importance WHERE model_id = %(model)s
              AND (%(time)s::timestamptz IS NULL OR timestamp <= %(time)s::timestamptz)) ORDER BY importance DESC, feature_name"""
        found = self._read(lambda on: on.fetch_all(query, {"model": model_id, "time": time}))
        return {row[0]: row[1] for row in found}
