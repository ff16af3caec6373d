// SPDX-License-Identifier: Apache-2.0
// What readers of an open chunk do: views, keys and series.
#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "storage/key_codec.hpp"
#include "storage/open_chunk.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"
#include "types/uuid_v7.hpp"

namespace tickstone::storage {

bool OpenChunk::is_null(const Block& block, std::size_t column, RowNumber offset) const {
  auto* validity = block.columns[column].validity;
  if (validity == nullptr) return false;
  const auto word = std::atomic_ref<std::uint64_t>(validity[offset / 64]).load(std::memory_order_relaxed);
  return ((word >> (offset % 64)) & 1U) == 0;
}

ColumnView OpenChunk::fixed_view(std::size_t column, const Block& block) const {
  ColumnView view;
  view.type = column_type(column);
  view.layout = layouts_[column];
  view.data = block.columns[column].data;
  view.size = kBlockRows;
  return view;
}

ColumnView OpenChunk::view(std::size_t column, RowNumber first, RowNumber count, Lease& lease) const {
  const std::size_t number = block_of(first);
  const RowNumber offset = first - block_begin(number);
  const Block& block = blocks_[number];
  const Cells& cells = block.columns[column];
  ColumnView view;
  view.type = column_type(column);
  view.layout = layouts_[column];
  view.size = count;
  if (layouts_[column].physical != Physical::Bytes) {
    view.data = cells.data + offset * width_bytes(layouts_[column].physical);
  } else if (cells.is_dictionary) {
    lease.dictionary = dictionaries_[column]->snapshot();
    view.form = ColumnView::Form::Dictionary;
    view.codes = reinterpret_cast<const std::uint32_t*>(cells.data) + offset;
    view.dictionary = &lease.dictionary->view;
    view.dictionary_id = lease.dictionary->id;
  } else {
    {
      const std::shared_lock lock(heap_mutex_);
      lease.keep_alive = cells.heap;
      view.heap = cells.heap.get();
    }
    view.offsets = cells.offsets + offset;
  }
  if (cells.validity != nullptr && cells.null_count.load(std::memory_order_relaxed) > 0) {
    // Copied: the appending thread writes other rows' bits of the same words.
    const RowNumber first_word = offset / 64;
    const RowNumber words = (offset + count + 63) / 64 - first_word;
    lease.validity.resize(words);
    for (RowNumber i = 0; i < words; ++i) {
      lease.validity[i] =
          std::atomic_ref<std::uint64_t>(cells.validity[first_word + i]).load(std::memory_order_relaxed);
    }
    view.validity = lease.validity.data();
    view.bit_offset = offset % 64;
  }
  if (view.form == ColumnView::Form::Dictionary && view.dictionary->size == 0) {
    // All rows are null: there is no text for a code to mean.
    static constexpr std::uint32_t kNoOffsets[2] = {0, 0};
    view.form = ColumnView::Form::Constant;
    view.codes = nullptr;
    view.dictionary = nullptr;
    view.dictionary_id = 0;
    view.offsets = kNoOffsets;
    view.heap = "";
  }
  return view;
}

namespace {

constexpr std::size_t kAhead = 64;
/// Rows side by side that are copied as such.
constexpr std::size_t kLeastRun = 16;

/// How many of the rows lie side by side, at least the first.
std::size_t run_of(const RowNumber* rows, std::size_t count) {
  std::size_t run = 1;
  while (run < count && rows[run] == rows[0] + run) ++run;
  return run;
}

}  // namespace

/// Up to kAhead values of a fixed width. In sorted order neighbours lie anywhere: the memory of all cells is
/// asked for before the first is read.
template <typename T>
void OpenChunk::append_values(Column& out, std::size_t column, const RowNumber* rows,
                              std::size_t count) const {
  std::array<const std::byte*, kAhead> cells;
  std::array<T, kAhead> values;
  std::uint64_t validity = 0;
  ColumnView view;
  view.type = column_type(column);
  view.layout = layouts_[column];
  view.size = count;
  if (find_cells(column, rows, count, sizeof(T), cells.data(), validity)) view.validity = &validity;
  for (std::size_t i = 0; i < count; ++i) std::memcpy(&values[i], cells[i], sizeof(T));
  view.data = values.data();
  out.append_all(view);
}

/// Asks for the cells of the rows; true where any may be null, which `validity` then says.
bool OpenChunk::find_cells(std::size_t column, const RowNumber* rows, std::size_t count, std::size_t width,
                           const std::byte** cells, std::uint64_t& validity) const {
  bool may_be_null = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = block_of(rows[i]);
    const Cells& block = blocks_[number].columns[column];
    may_be_null |= block.null_count.load(std::memory_order_relaxed) > 0;
    cells[i] = block.data + (rows[i] - block_begin(number)) * width;
    __builtin_prefetch(cells[i]);
  }
  if (!may_be_null) return false;
  validity = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = block_of(rows[i]);
    const bool is_value = !is_null(blocks_[number], column, rows[i] - block_begin(number));
    validity |= std::uint64_t{is_value} << i;
  }
  return true;
}

/// Up to kAhead texts.
void OpenChunk::append_texts_of(Column& out, std::size_t column, const RowNumber* rows,
                                std::size_t count) const {
  constexpr std::size_t kFewRows = 8;  // for which no view of the dictionary is made
  const auto is_coded = [&](RowNumber row) { return blocks_[block_of(row)].columns[column].is_dictionary; };
  if (count < kFewRows || !std::all_of(rows, rows + count, is_coded)) {
    std::shared_ptr<char[]> heap;
    std::size_t heap_block = SIZE_MAX;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t number = block_of(rows[i]);
      const RowNumber offset = rows[i] - block_begin(number);
      const Cells& cells = blocks_[number].columns[column];
      if (is_null(blocks_[number], column, offset)) {
        out.append_null();
      } else if (cells.is_dictionary) {
        const std::uint32_t code = reinterpret_cast<const std::uint32_t*>(cells.data)[offset];
        out.append_bytes((*dictionaries_[column])[code]);
      } else {
        if (heap_block != number) {
          const std::shared_lock lock(heap_mutex_);
          heap = cells.heap;
          heap_block = number;
        }
        out.append_bytes(
            {heap.get() + cells.offsets[offset], cells.offsets[offset + 1] - cells.offsets[offset]});
      }
    }
    return;
  }
  std::array<const std::byte*, kAhead> cells;
  std::array<std::uint32_t, kAhead> codes;
  std::uint64_t validity = 0;
  ColumnView view;
  view.type = column_type(column);
  view.layout = layouts_[column];
  view.form = ColumnView::Form::Dictionary;
  view.size = count;
  if (find_cells(column, rows, count, sizeof(std::uint32_t), cells.data(), validity))
    view.validity = &validity;
  for (std::size_t i = 0; i < count; ++i) std::memcpy(&codes[i], cells[i], sizeof(codes[i]));
  const auto dictionary = dictionaries_[column]->snapshot();
  view.codes = codes.data();
  view.dictionary = &dictionary->view;
  out.append_all(view);
}

void OpenChunk::append_cells(Column& out, std::size_t column, const RowNumber* rows,
                             std::size_t count) const {
  Lease lease;
  for (std::size_t done = 0; done < count;) {
    const RowNumber first = rows[done];
    const std::size_t block = block_of(first);
    const std::size_t in_block = block_begin(block) + block_capacity(block) - first;
    const std::size_t run = run_of(rows + done, std::min(count - done, in_block));
    if (run >= kLeastRun) {
      out.append_all(view(column, first, static_cast<RowNumber>(run), lease));
      done += run;
      continue;
    }
    const std::size_t part = std::min(kAhead, count - done);
    switch (layouts_[column].physical) {
      case Physical::Bool:
        append_values<std::uint8_t>(out, column, rows + done, part);
        break;
      case Physical::Int16:
        append_values<std::uint16_t>(out, column, rows + done, part);
        break;
      case Physical::Int32:
      case Physical::Float32:
        append_values<std::uint32_t>(out, column, rows + done, part);
        break;
      case Physical::Int64:
      case Physical::Float64:
        append_values<std::uint64_t>(out, column, rows + done, part);
        break;
      case Physical::Int128:
        append_values<UInt128>(out, column, rows + done, part);
        break;
      case Physical::Bytes:
        append_texts_of(out, column, rows + done, part);
        break;
    }
    done += part;
  }
}

Batch OpenChunk::gather(const std::vector<RowNumber>& rows) const {
  Batch batch;
  batch.columns.reserve(layouts_.size());
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    auto& column = batch.columns.emplace_back(column_type(i), layouts_[i]);
    column.reserve(rows.size());
    append_cells(column, i, rows.data(), rows.size());
  }
  return batch;
}

std::int64_t OpenChunk::time(RowNumber row) const {
  const std::size_t number = block_of(row);
  const RowNumber offset = row - block_begin(number);
  const auto* data = blocks_[number].columns[*time_index_].data;
  switch (layouts_[*time_index_].physical) {
    case Physical::Int16:
      return reinterpret_cast<const std::int16_t*>(data)[offset];
    case Physical::Int32:
      return reinterpret_cast<const std::int32_t*>(data)[offset];
    case Physical::Int128:
      return uuid_leading_time(reinterpret_cast<const Int128*>(data)[offset]);
    default:
      return reinterpret_cast<const std::int64_t*>(data)[offset];
  }
}

void OpenChunk::append_part(std::string& out, std::size_t column, RowNumber row) const {
  const std::size_t number = block_of(row);
  const RowNumber offset = row - block_begin(number);
  const Block& block = blocks_[number];
  if (is_null(block, column, offset)) {
    out.push_back('\0');
  } else if (layouts_[column].physical == Physical::Bytes) {
    append_key_text(
        out,
        (*dictionaries_[column])[reinterpret_cast<const std::uint32_t*>(block.columns[column].data)[offset]]);
  } else {
    append_key_part(out, fixed_view(column, block), offset);
  }
}

void OpenChunk::append_key(std::string& out, RowNumber row) const {
  for (const std::size_t column : key_indexes_) append_part(out, column, row);
}

std::strong_ordering OpenChunk::compare_in(std::size_t column, RowNumber a, RowNumber b) const {
  const std::size_t a_number = block_of(a);
  const std::size_t b_number = block_of(b);
  const RowNumber a_offset = a - block_begin(a_number);
  const RowNumber b_offset = b - block_begin(b_number);
  const Block& a_block = blocks_[a_number];
  const Block& b_block = blocks_[b_number];
  const bool a_null = is_null(a_block, column, a_offset);
  const bool b_null = is_null(b_block, column, b_offset);
  if (a_null || b_null) return a_null <=> b_null;
  if (layouts_[column].physical == Physical::Bytes) {
    const auto code = [&](const Block& block, RowNumber offset) {
      return reinterpret_cast<const std::uint32_t*>(block.columns[column].data)[offset];
    };
    const auto& texts = *dictionaries_[column];
    return texts[code(a_block, a_offset)].compare(texts[code(b_block, b_offset)]) <=> 0;
  }
  return order_cells(fixed_view(column, a_block), a_offset, fixed_view(column, b_block), b_offset) <=> 0;
}

std::strong_ordering OpenChunk::compare_key_tail(RowNumber a, RowNumber b) const {
  for (const std::size_t column : tail_indexes_) {
    const auto order = compare_in(column, a, b);
    if (order != 0) return order;
  }
  return std::strong_ordering::equal;
}

std::uint32_t OpenChunk::series_of(RowNumber row) const {
  const std::size_t number = block_of(row);
  return blocks_[number].series[row - block_begin(number)];
}

std::vector<RowNumber> OpenChunk::series_rows(std::uint32_t series, RowNumber limit,
                                              std::int64_t from_time) const {
  std::vector<RowNumber> rows;
  const SeriesHead head = series_head(series);
  const bool stops = head.is_ordered && from_time != INT64_MIN;
  for (RowNumber row = head.row; row != kNoRow; row = previous_in_series(row)) {
    if (stops && time(row) < from_time) break;
    if (row < limit) rows.push_back(row);
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

OpenChunk::SeriesHead OpenChunk::series_head(std::uint32_t series) const {
  const Series& of = series_[series];
  SeriesHead head;
  // The row first: whatever put rows before it out of order was written before it.
  head.row = of.last_row.load(std::memory_order_acquire);
  head.is_ordered = time_index_.has_value() && of.is_in_time_order.load(std::memory_order_relaxed);
  return head;
}

std::vector<Value> OpenChunk::series_values(RowNumber row) const {
  std::vector<Value> values;
  for (const std::size_t column : series_indexes_) {
    Column cell(column_type(column), layouts_[column]);
    append_cells(cell, column, &row, 1);
    values.push_back(value_at(cell.view(), 0));
  }
  return values;
}

std::optional<std::uint32_t> OpenChunk::find_series_of(const OpenChunk& other, RowNumber row) const {
  std::vector<std::uint32_t> codes(series_indexes_.size());
  std::string canonical;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t column = other.series_indexes_[i];
    const std::size_t number = block_of(row);
    const RowNumber offset = row - block_begin(number);
    const Block& block = other.blocks_[number];
    std::optional<std::uint32_t> code;
    if (other.is_null(block, column, offset)) {
      code = SeriesMap::kNullCode;
    } else if (series_dictionaries_[i] == nullptr) {
      const auto other_code = reinterpret_cast<const std::uint32_t*>(block.columns[column].data)[offset];
      code = dictionaries_[series_indexes_[i]]->find((*other.dictionaries_[column])[other_code]);
    } else {
      canonical.clear();
      other.append_part(canonical, column, row);
      code = series_dictionaries_[i]->find(canonical);
    }
    if (!code) return std::nullopt;
    codes[i] = *code;
  }
  return series_.find(codes.data());
}

std::int64_t OpenChunk::series_last_time(std::uint32_t series) const {
  const RowNumber newest = series_[series].newest_row.load(std::memory_order_acquire);
  return newest == kNoRow ? INT64_MIN : time(newest);
}

bool OpenChunk::may_hold(const std::vector<ColumnView>& key, std::size_t key_row) const {
  if (row_count() == 0) return false;
  const auto time_at = static_cast<std::size_t>(
      time_index_ ? std::find(key_indexes_.begin(), key_indexes_.end(), *time_index_) - key_indexes_.begin()
                  : static_cast<std::ptrdiff_t>(key_indexes_.size()));
  if (time_at < key_indexes_.size() && !key[time_at].is_null(key_row)) {
    // Of many runs of rows most are of other times.
    const std::int64_t asked = time_of(key[time_at], key_row);
    if (asked < first_time_.load(std::memory_order_relaxed) ||
        asked > last_time_.load(std::memory_order_relaxed))
      return false;
  }
  if (!series_in_key_ || has_row_ids_) return true;
  std::vector<std::uint32_t> codes(series_indexes_.size());
  std::string canonical;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto at = static_cast<std::size_t>(
        std::find(key_indexes_.begin(), key_indexes_.end(), series_indexes_[i]) - key_indexes_.begin());
    const ColumnView& cell = key[at];
    std::optional<std::uint32_t> code;
    if (cell.is_null(key_row)) {
      code = SeriesMap::kNullCode;
    } else if (series_dictionaries_[i] == nullptr) {
      code = dictionaries_[series_indexes_[i]]->find(cell.bytes(key_row));
    } else {
      canonical.clear();
      append_key_part(canonical, cell, key_row);
      code = series_dictionaries_[i]->find(canonical);
    }
    if (!code) return false;
    codes[i] = *code;
  }
  const auto series = series_.find(codes.data());
  if (!series) return false;
  if (time_at == key_indexes_.size()) return true;
  return time_of(key[time_at], key_row) <= series_last_time(*series);
}

std::vector<std::uint32_t> OpenChunk::find_series(const std::vector<const Value*>& leading) const {
  std::vector<std::uint32_t> wanted(leading.size());
  for (std::size_t i = 0; i < leading.size(); ++i) {
    if (leading[i] == nullptr) continue;
    std::optional<std::uint32_t> code;
    if (series_dictionaries_[i] == nullptr) {
      code = dictionaries_[series_indexes_[i]]->find(leading[i]->text);
    } else {
      Column cell(column_type(series_indexes_[i]), layouts_[series_indexes_[i]]);
      append_value(cell, *leading[i]);
      std::string canonical;
      append_key_part(canonical, cell.view(), 0);
      code = series_dictionaries_[i]->find(canonical);
    }
    if (!code) return {};
    wanted[i] = *code;
  }
  std::vector<std::uint32_t> found;
  const bool is_whole_key =
      std::none_of(leading.begin(), leading.end(), [](const Value* value) { return value == nullptr; });
  if (is_whole_key && leading.size() == series_.key_size()) {
    if (const auto series = series_.find(wanted.data())) found.push_back(*series);
    return found;
  }
  const std::uint32_t count = series_.size();
  for (std::uint32_t series = 0; series < count; ++series) {
    bool matches = true;
    for (std::size_t i = 0; matches && i < leading.size(); ++i) {
      matches = leading[i] == nullptr || series_.code(series, i) == wanted[i];
    }
    if (matches) found.push_back(series);
  }
  return found;
}

OpenChunk::FoundRow OpenChunk::find(std::string_view key, std::uint64_t hash, CommitSeq seq,
                                    RowNumber limit) const {
  FoundRow found;
  const auto visit = [&](RowNumber row) {
    if (created(row) > seq) return false;
    const CommitSeq end = ended(row);
    if (end == 0) return false;  // rolled back or replaced before it was committed
    found = {end > seq ? Found::Visible : Found::Gone, row};
    return true;
  };
  limit = std::min(limit, row_count());
  if (limit > kUnindexedRows) {
    index_.find(*this, key, hash, limit, visit);
    return found;
  }
  std::string candidate;
  for (RowNumber row = limit; row-- > 0;) {
    candidate.clear();
    append_key(candidate, row);
    if (candidate == key && visit(row)) break;
  }
  return found;
}

}  // namespace tickstone::storage
