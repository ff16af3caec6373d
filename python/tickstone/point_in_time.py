# SPDX-License-Identifier: Apache-2.0
"""What was known when: for each label and feature the newest value not later than the label."""
from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from . import frames

if TYPE_CHECKING:
    import pandas


class LabelTimes:
    """Labels by symbol and time, ready to be matched with one feature after the other.

    The labels' distinct times are numbered. A value is seen by labels from the first one not earlier than itself, so a
    value's place among them and the symbol's number make one integer by which values and labels are merged.
    """

    def __init__(self, symbols: Any, times: Any):
        """symbols and times: of each label, as pandas Series; a time without a zone is UTC's."""
        pandas = frames.load_pandas()
        import numpy
        self._numpy, self._pandas = numpy, pandas
        if symbols.isna().any() or times.isna().any():
            raise ValueError("each label has a symbol and a time")
        self._label_ns = self._nanoseconds(times)
        self._codes, self.symbols = pandas.factorize(symbols.astype("object"))
        self._distinct_ns, ranks = numpy.unique(self._label_ns, return_inverse=True)
        keys = self._codes * (len(self._distinct_ns) + 1) + ranks
        # Needles in order are found faster.
        self._order = numpy.argsort(keys, kind="stable")
        self._sorted_keys = keys[self._order]

    @property
    def first(self) -> dt.datetime:
        """The earliest label's time, rounded down to what tables keep."""
        return self._moment(int(self._distinct_ns[0]))

    @property
    def last(self) -> dt.datetime:
        return self._moment(int(self._distinct_ns[-1]))

    def newest_values(self, values: pandas.DataFrame, max_age: dt.timedelta | None) -> pandas.Series:
        """For each label, in their order, the newest of a feature's values (columns symbol, timestamp, value) not later
        than the label and not older than max_age before it; missing where there is none."""
        numpy = self._numpy
        codes = self._pandas.Index(self.symbols).get_indexer(values["symbol"].astype("object"))
        value_ns = self._nanoseconds(values["timestamp"])
        known = codes >= 0
        codes, value_ns, held = codes[known], value_ns[known], values["value"].to_numpy()[known]
        by_series = numpy.lexsort((value_ns, codes))
        codes, value_ns, held = codes[by_series], value_ns[by_series], held[by_series]
        keys = codes * (len(self._distinct_ns) + 1) + numpy.searchsorted(self._distinct_ns, value_ns, side="left")
        found = numpy.empty(len(self._codes), dtype="int64")
        found[self._order] = numpy.searchsorted(keys, self._sorted_keys, side="right") - 1
        is_exact = held.dtype == object
        result = numpy.full(len(found), None, dtype=object) if is_exact else numpy.full(len(found), numpy.nan)
        if len(held):
            place = numpy.maximum(found, 0)
            matches = (found >= 0) & (codes[place] == self._codes)
            if max_age is not None:
                matches &= self._label_ns - value_ns[place] <= self._pandas.Timedelta(max_age).value
            result[matches] = held[place[matches]]
        return self._pandas.Series(result)

    def _nanoseconds(self, times: Any) -> Any:
        made = self._pandas.to_datetime(times, utc=True)
        return made.to_numpy(dtype="datetime64[ns]").astype("int64")

    @staticmethod
    def _moment(nanoseconds: int) -> dt.datetime:
        return dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=nanoseconds // 1000)
