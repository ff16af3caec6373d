// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/histogram.hpp"

namespace tickstone::http {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Metrics family by family, each with its help.
class MetricList {
 public:
  void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  void counter(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  /// Bounds and sum are divided by `divisor`: 1e9 makes seconds of nanoseconds.
  void histogram(const std::string& name, const std::string& help, const HistogramCounts& counts,
                 double divisor, const Labels& labels = {});

  const std::vector<prometheus::MetricFamily>& families() const { return families_; }

 private:
  prometheus::ClientMetric& add(const std::string& name, const std::string& help, prometheus::MetricType type,
                                const Labels& labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace tickstone::http
