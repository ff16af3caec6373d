# SPDX-License-Identifier: Apache-2.0
"""The database layer of an AI trading system, over PostgreSQL's protocol: Tickstone, TimescaleDB or plain PostgreSQL."""
from .batches import BatchResult, RejectedRow, Rejection
from .database_manager import DatabaseManager
from .errors import CommitOutcomeUnknown, PoolClosed, PoolTimeout
from .positions import NoSuchPosition
from .retry import NO_RETRY, RetryPolicy
from .settings import SettingsError
from .statements import Statements
from .storage_functions import batch_store_ohlcv_data, store_ohlcv_data

__all__ = [
    "NO_RETRY",
    "BatchResult",
    "CommitOutcomeUnknown",
    "DatabaseManager",
    "NoSuchPosition",
    "PoolClosed",
    "PoolTimeout",
    "RejectedRow",
    "Rejection",
    "RetryPolicy",
    "SettingsError",
    "Statements",
    "batch_store_ohlcv_data",
    "store_ohlcv_data",
]
