# SPDX-License-Identifier: Apache-2.0
"""The class that the application's components use."""
from __future__ import annotations

from .features import FeatureStore
from .market_data import MarketDataStore
from .metrics import MetricStore
from .model_results import ModelResultStore
from .positions import PositionStore
from .reference_data import ReferenceDataStore


class DatabaseManager(
    MarketDataStore, ReferenceDataStore, FeatureStore, ModelResultStore, PositionStore, MetricStore
):
    """The application's database: connections (ConnectionManager) and all its stores.

    Without arguments it connects as the guide says: localhost:5433, database inavvi, user inavvi_user.
    """
