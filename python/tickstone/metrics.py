# SPDX-License-Identifier: Apache-2.0
"""Measurements of the system and of its caches."""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from . import tables
from .batch_store import BatchStore
from .batches import BatchResult, Rows


class MetricStore(BatchStore):
    """The monitoring's side."""

    def store_system_metric(
        self, metric_name: str, metric_value: Any, *, labels: Mapping[str, Any] | None = None, timestamp: Any = None
    ) -> BatchResult:
        """Stores one measurement, of now unless a time is given. One name has one value a time: labels are not of the key."""
        time = dt.datetime.now(dt.timezone.utc) if timestamp is None else timestamp
        row = (time, metric_name, metric_value, None if labels is None else dict(labels))
        return self._store_one(tables.SYSTEM_METRICS, row)

    def store_system_metrics(self, metrics: Rows) -> BatchResult:
        """Stores rows (timestamp, metric_name, metric_value[, labels])."""
        return self._store(tables.SYSTEM_METRICS, metrics)

    def store_cache_metrics(
        self, cache_name: str, hit_count: int, miss_count: int, *, size_bytes: int | None = None,
        eviction_count: int | None = None, timestamp: Any = None,
    ) -> BatchResult:
        """Stores a cache's counters, of now unless a time is given."""
        time = dt.datetime.now(dt.timezone.utc) if timestamp is None else timestamp
        return self._store_one(tables.CACHE_METRICS, (time, cache_name, hit_count, miss_count, size_bytes, eviction_count))

    def get_latest_system_metrics(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest measurements, newest first."""
        query = "SELECT * FROM system_metrics ORDER BY timestamp DESC, metric_name LIMIT %s"
        return self._read(lambda on: on.fetch_dicts(query, (limit,)))
