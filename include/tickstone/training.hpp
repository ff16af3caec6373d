// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// What a model is to learn: the outcome for a symbol that was asked for at a time.
struct Label {
  std::string symbol;
  Timestamp time;
  double value = 0;
};

struct TrainingRequest {
  std::vector<Label> labels;          // in any order
  std::vector<std::string> features;  // of feature_timeseries
  /// A value older than this at the label's time is taken for missing; zero: no value is too old.
  std::chrono::microseconds max_age{0};
  /// Also tells how old each value was.
  bool with_ages = false;
};

/// Features as they were known at each label's time. Rows are the request's labels, in its order.
struct TrainingSet {
  std::vector<Label> labels;
  std::vector<std::string> features;
  /// `values[f][row]`; NaN where there was none. NUMERIC values are the nearest double.
  std::vector<std::vector<double>> values;
  /// As `values`, where asked for: microseconds from the value's time to the label's; -1 where there was
  /// none.
  std::vector<std::vector<std::int64_t>> ages_us;
  /// Rows without a value, by feature.
  std::vector<std::size_t> missing;
  std::uint64_t values_read = 0;

  /// Columns symbol, timestamp, label, and one for each feature, NULL where there was no value.
  DataFrame to_dataframe() const;
};

/// A training set that never looks into the future: for each label and feature the newest value whose time is
/// not later than the label's.
///
/// A value's time must be when it was known, as the feature store expects it: a bar's feature belongs to the
/// bar's end. Values that were corrected count as they are stored now.
///
/// All features are of one moment (`Executor::in_snapshot`): what a transaction changes meanwhile shows in
/// none of them.
///
/// Cost: each feature's values between the first label (less `max_age`) and the last are read once and merged
/// with the sorted labels; memory is the result's and that of one feature's values. Within a Transaction at
/// READ COMMITTED one query reads all of them, and all values are in memory at once. Errors:
/// InvalidParameterValue (22023) for an unnamed feature, a feature named twice and a negative `max_age`;
/// those of the query.
TrainingSet fetch_training_data(Executor& executor, const TrainingRequest& request);

}  // namespace tickstone
