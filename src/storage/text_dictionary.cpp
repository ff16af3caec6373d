// SPDX-License-Identifier: Apache-2.0
#include "storage/text_dictionary.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/short_text.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kFirstSlots = 16;
constexpr std::uint32_t kUnindexedTexts = 8;  // so few are compared one by one
constexpr std::size_t kFirstArenaBytes = 256;
constexpr std::size_t kMaxArenaBytes = 1U << 20;

std::uint32_t hash_of(std::string_view text) { return static_cast<std::uint32_t>(hash_text(text) >> 32); }

/// Ids of the dictionaries of open chunks have the top bit set: those of segments count from the bottom.
std::uint64_t next_dictionary_id() {
  static std::atomic<std::uint64_t> next{1ULL << 63};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

/// Grows in place behind what earlier snapshots see; moves to a larger one when full.
struct TextDictionary::Layout {
  std::vector<std::uint32_t> offsets;
  std::vector<char> heap;
  std::size_t rows = 0;
  std::size_t heap_used = 0;
};

std::string_view TextDictionary::keep(std::string_view text) {
  if (arenas_.empty() || text.size() > arena_size_ - arena_used_) {
    arena_size_ =
        std::max(text.size(), std::min(kMaxArenaBytes, std::max(kFirstArenaBytes, arena_size_ * 2)));
    arenas_.push_back(std::make_unique_for_overwrite<char[]>(arena_size_));
    arena_used_ = 0;
    memory_bytes_.fetch_add(arena_size_, std::memory_order_relaxed);
  }
  char* at = arenas_.back().get() + arena_used_;
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  arena_used_ += text.size();
  return {at, text.size()};
}

std::optional<std::uint32_t> TextDictionary::search(std::string_view text) const {
  const std::uint32_t count = size();
  for (std::uint32_t code = 0; code < count; ++code) {
    if (texts_[code] == text) return code;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> TextDictionary::probe(std::string_view text, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const std::uint64_t slot = slots_[at];
    if (slot == 0) return std::nullopt;
    if (slot >> 32 == hash) {
      const auto code = static_cast<std::uint32_t>(slot) - 1;
      if (equal_texts(texts_[code], text)) return code;
    }
  }
}

void TextDictionary::rehash() {
  std::vector<std::uint64_t> slots(std::max(kFirstSlots, slots_.size() * 2));
  const std::size_t mask = slots.size() - 1;
  const auto put = [&](std::uint64_t slot) {
    std::size_t at = (slot >> 32) & mask;
    while (slots[at] != 0) at = (at + 1) & mask;
    slots[at] = slot;
  };
  for (const std::uint64_t slot : slots_) {
    if (slot != 0) put(slot);
  }
  if (slots_.empty()) {
    for (std::uint32_t code = 0; code < size(); ++code)
      put(std::uint64_t{hash_of(texts_[code])} << 32 | (code + 1));
  }
  memory_bytes_.fetch_add((slots.size() - slots_.size()) * sizeof(slots[0]), std::memory_order_relaxed);
  slots_ = std::move(slots);
}

std::uint32_t TextDictionary::add(std::string_view text) {
  const std::uint32_t count = size_.load(std::memory_order_relaxed);
  if (last_ < count && equal_texts(texts_[last_], text)) return last_;
  const bool has_slots = !slots_.empty();
  const bool needs_slots = has_slots || count == kUnindexedTexts;
  const std::uint32_t hash = needs_slots ? hash_of(text) : 0;
  if (const auto code = has_slots ? probe(text, hash) : search(text)) return last_ = *code;

  const std::size_t before = texts_.capacity();
  texts_.grow_to(count + 1);
  memory_bytes_.fetch_add((texts_.capacity() - before) * sizeof(std::string_view), std::memory_order_relaxed);
  texts_[count] = keep(text);
  text_bytes_ += text.size();
  if (needs_slots) {
    const std::unique_lock lock(slots_mutex_);
    if ((count + 1) * 3 > slots_.size() * 2) rehash();
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = std::uint64_t{hash} << 32 | (count + 1);
  }
  size_.store(count + 1, std::memory_order_release);
  return last_ = count;
}

std::optional<std::uint32_t> TextDictionary::find(std::string_view text) const {
  {
    const std::shared_lock lock(slots_mutex_);
    if (!slots_.empty()) return probe(text, hash_of(text));
  }
  return search(text);
}

std::shared_ptr<const TextDictionary::Snapshot> TextDictionary::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  const std::uint32_t count = size();
  if (snapshot_ != nullptr && snapshot_->view.size == count) return snapshot_;
  std::size_t needed = layout_ == nullptr ? 0 : layout_->heap_used;
  for (std::size_t code = layout_ == nullptr ? 0 : layout_->rows; code < count; ++code)
    needed += texts_[code].size();
  if (needed > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::ProgramLimitExceeded, "dictionary exceeds 4 GB of text");
  }
  if (layout_ == nullptr || needed > layout_->heap.size() || count + 1 > layout_->offsets.size()) {
    auto larger = std::make_shared<Layout>();
    larger->offsets.resize(std::max<std::size_t>(16, count + 1 + count / 2));
    larger->heap.resize(std::max<std::size_t>(64, needed + needed / 2));
    if (layout_ != nullptr) {
      std::copy_n(layout_->offsets.begin(), layout_->rows + 1, larger->offsets.begin());
      std::copy_n(layout_->heap.begin(), layout_->heap_used, larger->heap.begin());
      larger->rows = layout_->rows;
      larger->heap_used = layout_->heap_used;
    }
    layout_ = std::move(larger);
  }
  auto& layout = *layout_;
  for (; layout.rows < count; ++layout.rows) {
    const auto text = texts_[layout.rows];
    if (!text.empty()) std::memcpy(layout.heap.data() + layout.heap_used, text.data(), text.size());
    layout.heap_used += text.size();
    layout.offsets[layout.rows + 1] = static_cast<std::uint32_t>(layout.heap_used);
  }
  auto made = std::make_shared<Snapshot>();
  made->view.type = type_;
  made->view.layout = {Physical::Bytes, 0};
  made->view.size = count;
  made->view.offsets = layout.offsets.data();
  made->view.heap = layout.heap.data();
  made->id = next_dictionary_id();
  made->keep_alive = layout_;
  snapshot_ = std::move(made);
  return snapshot_;
}

}  // namespace tickstone::storage
