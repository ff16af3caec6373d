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
    if (entry.hash != hash || (entry.is_guess && !with_guesses)) continue;
    if (entry.position <= position && key_of(entry) == key) return true;
  }
  return false;
}

std::size_t TouchedKeys::count() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

bool TouchedKeys::has_guesses() const {
  const std::shared_lock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.is_guess; });
}

bool TouchedKeys::add(const std::vector<ColumnView>& cells, std::size_t row, std::string_view key,
                      std::uint64_t hash, std::uint64_t position, bool is_guess) {
  if (finds(key, hash, UINT64_MAX, is_guess)) return false;
  const std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < cells.size(); ++i) keys_.columns[i].append_from(cells[i], row);
  entries_.push_back({hash, position, key_bytes_.size(), static_cast<std::uint32_t>(key.size()), is_guess});
  key_bytes_.append(key);
  if (2 * entries_.size() > slots_.size()) {
    grow();
  } else {
    slots_[free_slot(hash)] = static_cast<std::uint32_t>(entries_.size());
  }
  return true;
}

std::size_t TouchedKeys::free_slot(std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  return at;
}

void TouchedKeys::grow() {
  slots_.assign(std::max<std::size_t>(16, 2 * slots_.size()), 0);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) slots_[free_slot(entries_[i].hash)] = i + 1;
}

void TouchedKeys::take_back_after(std::uint64_t position) {
  const std::unique_lock lock(mutex_);
  const std::size_t mask = slots_.size() - 1;
  while (!entries_.empty() && entries_.back().position > position) {
    // The last that came: no other was put past its slot.
    std::size_t at = entries_.back().hash & mask;
    while (slots_[at] != entries_.size()) at = (at + 1) & mask;
    slots_[at] = 0;
    key_bytes_.resize(entries_.back().key_at);
    entries_.pop_back();
  }
  for (auto& column : keys_.columns) column.truncate(entries_.size());
}

TouchedKeys::Touched TouchedKeys::touched() const {
  Touched touched;
  std::vector<std::uint32_t> rows;
  rows.reserve(entries_.size());
  touched.encoded.reserve(entries_.size());
  touched.keys.columns.reserve(keys_.columns.size());
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].is_guess) continue;
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
  for (const auto& made : overlay.made_chunks) {
    auto chunk = std::make_shared<ChunkState>();
    chunk->range = made.range;
    chunk->label = made.label;
    chunk->created_us = made.created_us;
    table->chunks[made.range.start] = std::move(chunk);
  }
  return table;
}

}  // namespace tickstone::storage
