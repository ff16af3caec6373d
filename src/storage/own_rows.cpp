// SPDX-License-Identifier: Apache-2.0
#include "storage/own_rows.hpp"

#include <algorithm>
#include <mutex>

namespace tickstone::storage {

bool TouchedKeys::hides(std::string_view key, std::uint64_t hash, std::uint64_t position) const {
  return finds(key, hash, position, true);
}

bool TouchedKeys::contains(std::string_view key, std::uint64_t hash) const {
  return finds(key, hash, UINT64_MAX, false);
}

bool TouchedKeys::finds(std::string_view key, std::uint64_t hash, std::uint64_t position,
                        bool with_guesses) const {
  const std::shared_lock lock(mutex_);
  if (slots_.empty()) return false;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[slots_[at] - 1];
    if (entry.hash != hash || entry.is_taken_back || (entry.is_guess && !with_guesses)) continue;
    if (entry.position <= position && key_of(entry) == key) return true;
  }
  return false;
}

bool TouchedKeys::is_empty() const {
  const std::shared_lock lock(mutex_);
  return live_ == 0;
}

bool TouchedKeys::has_guesses() const {
  const std::shared_lock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.is_guess && !entry.is_taken_back; });
}

bool TouchedKeys::add(const std::vector<ColumnView>& cells, std::size_t row, std::string_view key,
                      std::uint64_t hash, std::uint64_t position, bool is_guess) {
  if (finds(key, hash, UINT64_MAX, is_guess)) return false;
  const std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < cells.size(); ++i) keys_.columns[i].append_from(cells[i], row);
  entries_.push_back({hash, position, key_bytes_.size(), key.size(), false, is_guess});
  key_bytes_.append(key);
  if (2 * entries_.size() > slots_.size()) {
    grow();
  } else {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(entries_.size());
  }
  ++live_;
  return true;
}

void TouchedKeys::grow() {
  slots_.assign(std::max<std::size_t>(16, 2 * slots_.size()), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = i + 1;
  }
}

void TouchedKeys::take_back_after(std::uint64_t position) {
  const std::unique_lock lock(mutex_);
  for (std::size_t i = entries_.size(); i-- > 0 && entries_[i].position > position;) {
    if (entries_[i].is_taken_back) continue;
    entries_[i].is_taken_back = true;
    --live_;
  }
}

TouchedKeys::Touched TouchedKeys::touched() const {
  Touched touched;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].is_taken_back || entries_[i].is_guess) continue;
    rows.push_back(i);
    touched.encoded.push_back(key_of(entries_[i]));
  }
  for (const auto& column : keys_.columns) {
    auto& target = touched.keys.columns.emplace_back(column.type(), column.layout());
    target.append_rows(column.view(), rows.data(), rows.size());
  }
  return touched;
}

std::shared_ptr<const TableState> overlaid(const std::shared_ptr<const TableState>& committed,
                                           const TableOverlay& overlay) {
  if (overlay.is_dropped || (committed == nullptr && !overlay.is_created)) return nullptr;
  auto table =
      committed == nullptr ? std::make_shared<TableState>() : std::make_shared<TableState>(*committed);
  const auto committed_schema = table->schema;
  TableLayout layout = overlay.layout;
  if (committed != nullptr) {
    // Others may have widened it meanwhile.
    layout = widened_for(layout, *overlay.schema,
                         carried_layout(committed->layout, *committed_schema, *overlay.schema));
  }
  table->layout = std::move(layout);
  table->schema = overlay.schema;
  table->version = overlay.version;
  table->defaults = overlay.defaults;
  table->counters = overlay.counters;
  if (overlay.is_truncated) table->chunks.clear();
  for (const std::int64_t start : overlay.dropped_chunks) table->chunks.erase(start);
  return table;
}

}  // namespace tickstone::storage
