// SPDX-License-Identifier: Apache-2.0
#include "http/metric_list.hpp"

#include <algorithm>
#include <limits>

namespace tickstone::http {

prometheus::ClientMetric& MetricList::add(const std::string& name, const std::string& help,
                                          prometheus::MetricType type, const Labels& labels) {
  // A family stands together: the newest is looked at first.
  auto family =
      std::find_if(families_.rbegin(), families_.rend(), [&](const auto& f) { return f.name == name; });
  if (family == families_.rend()) {
    families_.push_back({name, help, type, {}});
    family = families_.rbegin();
  }
  prometheus::ClientMetric metric;
  for (const auto& [label, value] : labels) metric.label.push_back({label, value});
  family->metric.push_back(std::move(metric));
  return family->metric.back();
}

void MetricList::gauge(const std::string& name, const std::string& help, double value, const Labels& labels) {
  add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void MetricList::counter(const std::string& name, const std::string& help, double value,
                         const Labels& labels) {
  add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void MetricList::histogram(const std::string& name, const std::string& help, const HistogramCounts& counts,
                           double divisor, const Labels& labels) {
  auto& histogram = add(name, help, prometheus::MetricType::Histogram, labels).histogram;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    below += counts.counts[i];
    const double bound = i < counts.bounds.size() ? static_cast<double>(counts.bounds[i]) / divisor
                                                  : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({below, bound});
  }
  histogram.sample_count = below;
  histogram.sample_sum = static_cast<double>(counts.sum) / divisor;
}

}  // namespace tickstone::http
