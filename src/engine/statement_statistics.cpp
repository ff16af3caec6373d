// SPDX-License-Identifier: Apache-2.0
#include "engine/statement_statistics.hpp"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "sql/normalized_text.hpp"

namespace tickstone::engine {
namespace {

using catalog::StatementCounts;

// As PostgreSQL has it: at each clearing all lose a little, and one in twenty leaves.
constexpr double kUsageDecay = 0.99;
constexpr std::size_t kLeavingPart = 20;
constexpr std::size_t kLeastLeaving = 10;
constexpr int kFileVersion = 1;

/// At most `limit` bytes, not within a character.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  return text + " /* cut */";
}

}  // namespace

StatementStatistics::Entry::Entry(const Key& key, std::string text) {
  counts_.user_oid = key.user_oid;
  counts_.query_id = key.query_id;
  counts_.is_top_level = key.is_top_level;
  counts_.text = std::move(text);
}

void StatementStatistics::Entry::record(std::int64_t duration_ns, std::uint64_t rows) {
  const double ms = static_cast<double>(duration_ns) / 1e6;
  const std::lock_guard lock(mutex_);
  auto& c = counts_;
  ++c.calls;
  c.rows += rows;
  c.total_ms += ms;
  c.min_ms = c.calls == 1 ? ms : std::min(c.min_ms, ms);
  c.max_ms = std::max(c.max_ms, ms);
  // Welford's, which stays exact where sums of squares would not.
  const double before = c.mean_ms;
  c.mean_ms += (ms - before) / static_cast<double>(c.calls);
  c.square_sum += (ms - before) * (ms - c.mean_ms);
  usage_ += 1;
}

StatementStatistics::StatementStatistics(const Clock& clock, std::size_t most_statements)
    : clock_(clock), most_(std::max(most_statements, kLeastLeaving)), reset_us_(clock.now_us()) {}

std::shared_ptr<StatementStatistics::Entry> StatementStatistics::find_or_add(std::int64_t user_oid,
                                                                             bool is_top_level,
                                                                             std::string_view statement) {
  auto normalized = sql::normalize_statement(statement);
  const Key key{user_oid, normalized.id, is_top_level};
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
  if (entries_.size() >= most_) make_room();
  auto entry = std::make_shared<Entry>(key, cut(std::move(normalized.text), kMostTextBytes));
  entries_.emplace(key, entry);
  return entry;
}

void StatementStatistics::make_room() {
  std::vector<std::pair<double, Key>> usages;
  for (auto& [key, entry] : entries_) {
    const std::lock_guard lock(entry->mutex_);
    entry->usage_ *= kUsageDecay;
    usages.emplace_back(entry->usage_, key);
  }
  const auto leaving = std::min(std::max(kLeastLeaving, usages.size() / kLeavingPart), usages.size());
  std::nth_element(usages.begin(), usages.begin() + static_cast<std::ptrdiff_t>(leaving) - 1, usages.end());
  for (std::size_t i = 0; i < leaving; ++i) {
    const auto found = entries_.find(usages[i].second);
    found->second->is_dropped_.store(true, std::memory_order_relaxed);
    entries_.erase(found);
  }
  ++deallocations_;
}

std::vector<StatementCounts> StatementStatistics::statements() const {
  const std::lock_guard lock(mutex_);
  std::vector<StatementCounts> all;
  all.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) {
    const std::lock_guard of_entry(entry->mutex_);
    if (entry->counts_.calls > 0) all.push_back(entry->counts_);
  }
  return all;
}

std::uint64_t StatementStatistics::deallocations() const {
  const std::lock_guard lock(mutex_);
  return deallocations_;
}

std::int64_t StatementStatistics::reset_time_us() const {
  const std::lock_guard lock(mutex_);
  return reset_us_;
}

void StatementStatistics::reset(std::int64_t user_oid, std::int64_t query_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& item) {
    const auto& [key, entry] = item;
    const bool goes =
        (user_oid == 0 || key.user_oid == user_oid) && (query_id == 0 || key.query_id == query_id);
    if (goes) entry->is_dropped_.store(true, std::memory_order_relaxed);
    return goes;
  });
  if (user_oid != 0 || query_id != 0) return;
  deallocations_ = 0;
  reset_us_ = clock_.now_us();
}

void StatementStatistics::save(const std::filesystem::path& file) const {
  nlohmann::json statements = nlohmann::json::array();
  for (const auto& c : this->statements()) {
    statements.push_back({c.user_oid, c.query_id, c.is_top_level, c.text, c.calls, c.rows, c.total_ms,
                          c.min_ms, c.max_ms, c.mean_ms, c.square_sum});
  }
  const nlohmann::json all = {{"version", kFileVersion},
                              {"reset_us", reset_time_us()},
                              {"deallocations", deallocations()},
                              {"statements", std::move(statements)}};
  auto unfinished = file;
  unfinished += ".new";
  std::ofstream out(unfinished, std::ios::trunc | std::ios::binary);
  out << all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(unfinished, file, error);
  if (!out || error) log_warning("the statistics of statements could not be kept in {}", file.string());
}

void StatementStatistics::load(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return;
  // Boundary: what is in the file is of no consequence but to those who look at it.
  try {
    std::ifstream in(file, std::ios::binary);
    const auto all = nlohmann::json::parse(in);
    if (all.at("version") != kFileVersion) throw Error(ErrorCode::FeatureNotSupported, "another version");
    const std::lock_guard lock(mutex_);
    for (const auto& s : all.at("statements")) {
      if (entries_.size() >= most_) break;
      const Key key{s.at(0).get<std::int64_t>(), s.at(1).get<std::int64_t>(), s.at(2).get<bool>()};
      auto entry = std::make_shared<Entry>(key, s.at(3).get<std::string>());
      auto& c = entry->counts_;
      c.calls = s.at(4).get<std::uint64_t>();
      c.rows = s.at(5).get<std::uint64_t>();
      c.total_ms = s.at(6).get<double>();
      c.min_ms = s.at(7).get<double>();
      c.max_ms = s.at(8).get<double>();
      c.mean_ms = s.at(9).get<double>();
      c.square_sum = s.at(10).get<double>();
      entry->usage_ = static_cast<double>(c.calls);
      entries_.emplace(key, std::move(entry));
    }
    reset_us_ = all.at("reset_us").get<std::int64_t>();
    deallocations_ = all.at("deallocations").get<std::uint64_t>();
  } catch (const std::exception& error) {
    log_warning("the statistics of statements in {} cannot be read: {}", file.string(), error.what());
  }
  std::filesystem::remove(file, ignored);
}

}  // namespace tickstone::engine
