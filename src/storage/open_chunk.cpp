// SPDX-License-Identifier: Apache-2.0
#include "storage/open_chunk.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <numeric>

#include "storage/key_codec.hpp"
#include "storage/segment.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kSmallDictionary = 256;
constexpr std::size_t kRowsPerText = 4;  // a dictionary pays when texts repeat at least so often

std::size_t aligned(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

/// Copies `count` values picked by `rows` (or from `first` on).
template <typename T>
void copy_values(const ColumnView& source, const RowNumber* rows, RowNumber first, RowNumber count,
                 std::byte* out) {
  const auto* values = static_cast<const char*>(source.data);
  if (source.form == ColumnView::Form::Constant) {
    for (RowNumber i = 0; i < count; ++i) std::memcpy(out + i * sizeof(T), values, sizeof(T));
  } else if (source.form == ColumnView::Form::Dictionary) {
    for (RowNumber i = 0; i < count; ++i) {
      const T value = source.fixed<T>(rows == nullptr ? first + i : rows[i]);
      std::memcpy(out + i * sizeof(T), &value, sizeof(T));
    }
  } else if (rows == nullptr) {
    std::memcpy(out, values + std::size_t{first} * sizeof(T), std::size_t{count} * sizeof(T));
  } else {
    for (RowNumber i = 0; i < count; ++i) {
      std::memcpy(out + i * sizeof(T), values + std::size_t{rows[i]} * sizeof(T), sizeof(T));
    }
  }
}

void copy_fixed(const ColumnView& source, const RowNumber* rows, RowNumber first, RowNumber count,
                std::byte* out) {
  switch (width_bytes(source.layout.physical)) {
    case 1:
      return copy_values<std::uint8_t>(source, rows, first, count, out);
    case 2:
      return copy_values<std::uint16_t>(source, rows, first, count, out);
    case 4:
      return copy_values<std::uint32_t>(source, rows, first, count, out);
    case 8:
      return copy_values<std::uint64_t>(source, rows, first, count, out);
    default:
      return copy_values<UInt128>(source, rows, first, count, out);
  }
}

}  // namespace

OpenChunk::OpenChunk(std::shared_ptr<const TableSchema> schema, TableLayout layout)
    : schema_(std::move(schema)),
      layout_(std::move(layout)),
      layouts_(layout_.columns),
      has_row_ids_(schema_->primary_key.empty()),
      series_(schema_->series_key.size()) {
  const std::size_t columns = schema_->columns.size();
  if (has_row_ids_) layouts_.push_back({Physical::Int64, 0});
  if (schema_->time_column) time_index_ = schema_->index_of(*schema_->time_column);
  auto index_of = [&](ColumnId column) {
    return column == kRowIdColumn ? columns : schema_->index_of(column);
  };
  for (const ColumnId column : key_columns(*schema_)) key_indexes_.push_back(index_of(column));
  always_dictionary_.resize(layouts_.size());
  is_flat_.resize(layouts_.size());
  series_in_key_ = true;
  for (const ColumnId column : schema_->series_key) {
    const std::size_t index = index_of(column);
    series_indexes_.push_back(index);
    series_in_key_ &= std::find(key_indexes_.begin(), key_indexes_.end(), index) != key_indexes_.end();
  }
  for (const std::size_t index : key_indexes_) {
    always_dictionary_[index] = true;
    const bool is_series =
        std::find(series_indexes_.begin(), series_indexes_.end(), index) != series_indexes_.end();
    // Many UUIDs have one time: among those it is they that order the rows.
    const bool is_time = index == time_index_ && layouts_[index].physical != Physical::Int128;
    if (!is_series && !is_time) tail_indexes_.push_back(index);
  }
  for (const std::size_t index : series_indexes_) always_dictionary_[index] = true;
  dictionaries_.resize(layouts_.size());
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    if (layouts_[i].physical == Physical::Bytes)
      dictionaries_[i] = std::make_unique<TextDictionary>(column_type(i));
  }
  for (const std::size_t index : series_indexes_) {
    series_dictionaries_.push_back(layouts_[index].physical == Physical::Bytes
                                       ? nullptr
                                       : std::make_unique<TextDictionary>(SqlType::of(TypeId::Bytea)));
  }
}

OpenChunk::~OpenChunk() = default;

SqlType OpenChunk::column_type(std::size_t column) const {
  return column < schema_->columns.size() ? schema_->columns[column].type : SqlType::of(TypeId::BigInt);
}

std::size_t OpenChunk::dictionary_bytes() const {
  std::size_t bytes = index_.memory_bytes() + series_.memory_bytes();
  for (const auto& dictionary : dictionaries_)
    bytes += dictionary == nullptr ? 0 : dictionary->memory_bytes();
  for (const auto& dictionary : series_dictionaries_)
    bytes += dictionary == nullptr ? 0 : dictionary->memory_bytes();
  return bytes;
}

void OpenChunk::make_block(std::size_t number) {
  blocks_.grow_to(number + 1);
  Block& block = blocks_[number];
  if (block.slab != nullptr) return;
  const RowNumber begin = block_begin(number);
  const std::size_t rows = block_capacity(number);
  block.columns = std::make_unique<Cells[]>(layouts_.size());
  std::size_t bytes = aligned(rows * sizeof(CommitSeq)) + 2 * aligned(rows * sizeof(std::uint32_t));
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    Cells& cells = block.columns[i];
    if (layouts_[i].physical == Physical::Bytes) {
      if (!always_dictionary_[i] && !is_flat_[i]) {
        const std::size_t texts = dictionaries_[i]->size();
        is_flat_[i] = texts > kSmallDictionary && texts * kRowsPerText > begin;
      }
      cells.is_dictionary = !is_flat_[i];
      bytes += aligned((rows + 1) * sizeof(std::uint32_t));
    } else {
      bytes += aligned(rows * width_bytes(layouts_[i].physical));
    }
    const bool takes_nulls = i < schema_->columns.size();
    if (takes_nulls) bytes += aligned(rows / 8);
  }
  block.slab = std::make_unique_for_overwrite<std::byte[]>(bytes);
  memory_bytes_.fetch_add(bytes + layouts_.size() * sizeof(Cells), std::memory_order_relaxed);
  std::byte* at = block.slab.get();
  auto take = [&at](std::size_t size) {
    std::byte* part = at;
    at += aligned(size);
    return part;
  };
  block.created = reinterpret_cast<CommitSeq*>(take(rows * sizeof(CommitSeq)));
  block.series = reinterpret_cast<std::uint32_t*>(take(rows * sizeof(std::uint32_t)));
  block.previous = reinterpret_cast<RowNumber*>(take(rows * sizeof(RowNumber)));
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    Cells& cells = block.columns[i];
    if (layouts_[i].physical == Physical::Bytes) {
      std::byte* part = take((rows + 1) * sizeof(std::uint32_t));
      if (cells.is_dictionary) {
        cells.data = part;
      } else {
        cells.offsets = reinterpret_cast<std::uint32_t*>(part);
        cells.offsets[0] = 0;
      }
    } else {
      cells.data = take(rows * width_bytes(layouts_[i].physical));
    }
    if (i < schema_->columns.size()) {
      cells.validity = reinterpret_cast<std::uint64_t*>(take(rows / 8));
      std::memset(cells.validity, 0xFF, rows / 8);
    }
  }
}

/// Word by word: other threads read bits of the same words.
void OpenChunk::mark_nulls(Cells& cells, const ColumnView& source, const RowNumber* rows,
                           RowNumber source_first, RowNumber at, RowNumber count) {
  std::uint32_t marked = 0;
  for (RowNumber i = 0; i < count;) {
    const RowNumber word = (at + i) / 64;
    std::uint64_t nulls = 0;
    for (; i < count && (at + i) / 64 == word; ++i) {
      const bool is_null = source.is_null(rows == nullptr ? source_first + i : rows[i]);
      nulls |= std::uint64_t{is_null} << ((at + i) % 64);
    }
    if (nulls == 0) continue;
    TICKSTONE_CHECK(cells.validity != nullptr);
    std::atomic_ref<std::uint64_t>(cells.validity[word]).fetch_and(~nulls, std::memory_order_relaxed);
    marked += static_cast<std::uint32_t>(std::popcount(nulls));
  }
  if (marked > 0) cells.null_count.fetch_add(marked, std::memory_order_relaxed);
}

void OpenChunk::append_texts(Cells& cells, std::size_t column, const ColumnView& source,
                             const RowNumber* rows, RowNumber source_first, RowNumber at, RowNumber count) {
  auto source_row = [&](RowNumber i) { return rows == nullptr ? source_first + i : rows[i]; };
  if (cells.is_dictionary) {
    auto* codes = reinterpret_cast<std::uint32_t*>(cells.data) + at;
    auto& dictionary = *dictionaries_[column];
    if (source.form == ColumnView::Form::Dictionary && source.dictionary->size <= count) {
      std::vector<std::uint32_t> mapped(source.dictionary->size, SeriesMap::kNullCode);
      for (RowNumber i = 0; i < count; ++i) {
        const RowNumber row = source_row(i);
        if (source.is_null(row)) {
          codes[i] = 0;
          continue;
        }
        auto& code = mapped[source.codes[row]];
        if (code == SeriesMap::kNullCode) code = dictionary.add(source.dictionary->bytes(source.codes[row]));
        codes[i] = code;
      }
      return;
    }
    for (RowNumber i = 0; i < count; ++i) {
      const RowNumber row = source_row(i);
      codes[i] = source.is_null(row) ? 0 : dictionary.add(source.bytes(row));
    }
    return;
  }
  std::size_t needed = cells.heap_size;
  for (RowNumber i = 0; i < count; ++i) {
    const RowNumber row = source_row(i);
    if (!source.is_null(row)) needed += source.bytes(row).size();
  }
  if (needed > UINT32_MAX) throw Error(ErrorCode::ProgramLimitExceeded, "open chunk exceeds 4 GB of text");
  if (needed > cells.heap_capacity) {
    const std::size_t capacity = std::max<std::size_t>({needed, cells.heap_capacity * 2, 256});
    std::shared_ptr<char[]> heap(new char[capacity]);
    if (cells.heap_size > 0) std::memcpy(heap.get(), cells.heap.get(), cells.heap_size);
    memory_bytes_.fetch_add(capacity - cells.heap_capacity, std::memory_order_relaxed);
    const std::unique_lock lock(heap_mutex_);
    cells.heap = std::move(heap);
    cells.heap_capacity = capacity;
  }
  for (RowNumber i = 0; i < count; ++i) {
    const RowNumber row = source_row(i);
    if (!source.is_null(row)) {
      const auto text = source.bytes(row);
      if (!text.empty()) std::memcpy(cells.heap.get() + cells.heap_size, text.data(), text.size());
      cells.heap_size += text.size();
    }
    cells.offsets[at + i + 1] = static_cast<std::uint32_t>(cells.heap_size);
  }
}

void OpenChunk::append_column(std::size_t column, const ColumnView& source, const Rows& rows,
                              RowNumber first) {
  const ColumnLayout layout = layouts_[column];
  RowNumber done = 0;
  while (done < rows.count) {
    const RowNumber target = first + done;
    const std::size_t number = block_of(target);
    const RowNumber at = target - block_begin(number);
    const RowNumber count = std::min(rows.count - done, block_capacity(number) - at);
    Cells& cells = blocks_[number].columns[column];
    const RowNumber* picked = rows.rows == nullptr ? nullptr : rows.rows + done;
    const RowNumber source_first = rows.first + done;
    if (layout.physical == Physical::Bytes) {
      append_texts(cells, column, source, picked, source_first, at, count);
    } else {
      const std::size_t width = width_bytes(layout.physical);
      std::byte* out = cells.data + at * width;
      if (source.layout == layout) {
        copy_fixed(source, picked, source_first, count, out);
      } else {
        TICKSTONE_CHECK(column_type(column).id == TypeId::Numeric);
        if (picked == nullptr) {
          convert_decimals(source, source_first, count, layout, out);
        } else {
          for (RowNumber i = 0; i < count; ++i)
            convert_decimals(source, picked[i], 1, layout, out + i * width);
        }
      }
    }
    if (source.validity != nullptr) mark_nulls(cells, source, picked, source_first, at, count);
    done += count;
  }
}

RowNumber OpenChunk::append(const Rows& rows, CommitSeq created, const OlderLayers& older,
                            std::vector<RowNumber>* suspects) {
  const RowNumber first = row_count_.load(std::memory_order_relaxed);
  if (rows.count == 0) return first;
  if (std::uint64_t{first} + rows.count >= kNoRow) {
    throw Error(ErrorCode::ProgramLimitExceeded, "open chunk exceeds 4 billion rows");
  }
  TICKSTONE_CHECK(rows.columns->size() == layouts_.size());
  const RowNumber end = first + rows.count;
  for (std::size_t number = block_of(first); number <= block_of(end - 1); ++number) make_block(number);
  for (std::size_t i = 0; i < layouts_.size(); ++i) append_column(i, (*rows.columns)[i], rows, first);
  for (RowNumber row = first; row < end;) {
    const std::size_t number = block_of(row);
    const RowNumber stop = std::min(end, block_begin(number) + block_capacity(number));
    auto* seqs = blocks_[number].created - block_begin(number);
    std::fill(seqs + row, seqs + stop, created);
    row = stop;
  }
  follow_series(first, rows.count, older, suspects);
  row_count_.store(end, std::memory_order_release);
  return first;
}

std::uint32_t OpenChunk::series_code(std::size_t position, RowNumber row) {
  const std::size_t column = series_indexes_[position];
  const std::size_t number = block_of(row);
  const RowNumber offset = row - block_begin(number);
  const Block& block = blocks_[number];
  if (is_null(block, column, offset)) return SeriesMap::kNullCode;
  if (series_dictionaries_[position] == nullptr) {
    return reinterpret_cast<const std::uint32_t*>(block.columns[column].data)[offset];
  }
  std::string canonical;
  append_part(canonical, column, row);
  return series_dictionaries_[position]->add(canonical);
}

void OpenChunk::follow_series(RowNumber first, RowNumber count, const OlderLayers& older,
                              std::vector<RowNumber>* suspects) {
  const bool has_key = !has_row_ids_;
  const bool has_time = time_index_.has_value();
  const bool has_plain_times = has_time && layouts_[*time_index_].physical == Physical::Int64;
  const std::uint64_t version = older.version();
  const std::size_t code_count = series_indexes_.size();
  std::vector<std::uint32_t> codes(code_count);
  std::vector<const std::uint32_t*> code_cells(code_count);  // nullptr: not to be read as they are
  std::uint32_t id = 0;
  Series* series = nullptr;  // of the row before: rows of one often come side by side
  const RowNumber end = first + count;
  for (RowNumber row = first; row < end;) {
    const std::size_t number = block_of(row);
    const RowNumber begin = block_begin(number);
    const RowNumber stop = std::min(end, begin + block_capacity(number));
    Block& block = blocks_[number];
    for (std::size_t i = 0; i < code_count; ++i) {
      const Cells& cells = block.columns[series_indexes_[i]];
      const bool is_plain =
          series_dictionaries_[i] == nullptr &&
          (cells.validity == nullptr || cells.null_count.load(std::memory_order_relaxed) == 0);
      code_cells[i] = is_plain ? reinterpret_cast<const std::uint32_t*>(cells.data) : nullptr;
    }
    const auto* times =
        has_plain_times ? reinterpret_cast<const std::int64_t*>(block.columns[*time_index_].data) : nullptr;
    std::int64_t min_time = block.min_time.load(std::memory_order_relaxed);
    std::int64_t max_time = block.max_time.load(std::memory_order_relaxed);
    for (; row < stop; ++row) {
      const RowNumber offset = row - begin;
      bool is_same = series != nullptr;
      for (std::size_t i = 0; i < code_count; ++i) {
        const std::uint32_t code = code_cells[i] != nullptr ? code_cells[i][offset] : series_code(i, row);
        is_same &= code == codes[i];
        codes[i] = code;
      }
      if (!is_same) {
        id = series_.add(codes.data());
        series = &series_[id];
      }
      block.series[offset] = id;
      if (!is_same && series->older_version != version && has_key) {
        series->older_version = version;
        series->older_last_time.store(older.last_time(*this, row), std::memory_order_relaxed);
      }
      block.previous[offset] = series->last_row.load(std::memory_order_relaxed);
      const RowNumber newest = series->newest_row.load(std::memory_order_relaxed);
      std::int64_t now = 0;
      if (has_time) {
        now = times != nullptr ? times[offset] : time(row);
        min_time = std::min(min_time, now);
        max_time = std::max(max_time, now);
      }
      bool is_past = newest == kNoRow;
      if (!is_past) {
        if (has_time && now != series->max_time) {
          is_past = now > series->max_time;
        } else {
          is_past = compare_key_tail(row, newest) > 0;
        }
      }
      if (has_key && suspects != nullptr) {
        const std::int64_t older_last = series->older_last_time.load(std::memory_order_relaxed);
        bool is_new =
            is_past && (has_time ? now > older_last || older_last == INT64_MIN : older_last == INT64_MIN);
        // Where other series may hold the key, only time orders the chunk's keys.
        if (!series_in_key_) is_new = has_time && now > max_time_ && older_last == INT64_MIN;
        if (!is_new) suspects->push_back(row);
      }
      if (has_time) {
        if (now < series->max_time) series->is_in_time_order.store(false, std::memory_order_relaxed);
        series->max_time = std::max(series->max_time, now);
        series->min_time = std::min(series->min_time, now);
        max_time_ = std::max(max_time_, now);
      }
      if (is_past) {
        series->newest_row.store(row, std::memory_order_release);
      } else {
        series->is_in_key_order.store(false, std::memory_order_relaxed);
      }
      // Nobody else counts.
      series->row_count.store(series->row_count.load(std::memory_order_relaxed) + 1,
                              std::memory_order_relaxed);
      series->last_row.store(row, std::memory_order_release);
    }
    block.min_time.store(min_time, std::memory_order_relaxed);
    block.max_time.store(max_time, std::memory_order_relaxed);
    if (min_time < first_time_.load(std::memory_order_relaxed))
      first_time_.store(min_time, std::memory_order_relaxed);
    if (max_time > last_time_.load(std::memory_order_relaxed))
      last_time_.store(max_time, std::memory_order_relaxed);
  }
}

void OpenChunk::set_ended(RowNumber row, CommitSeq seq) {
  const std::size_t number = block_of(row);
  const std::size_t allocated =
      blocks_[number].ends.set(row - block_begin(number), block_capacity(number), seq);
  if (allocated > 0) memory_bytes_.fetch_add(allocated, std::memory_order_relaxed);
}

void OpenChunk::adopt(CommitSeq seq) {
  const RowNumber rows = row_count();
  for (std::size_t number = 0; rows > 0 && number <= block_of(rows - 1); ++number) {
    if (is_block_whole(number)) continue;
    const RowNumber end = std::min(rows, block_begin(number) + block_capacity(number));
    for (RowNumber row = block_begin(number); row < end; ++row) {
      if (!is_live(row)) set_ended(row, 0);
    }
  }
  adopted_seq_.store(seq, std::memory_order_relaxed);
  adopted_rows_.store(rows, std::memory_order_release);
}

CommitSeq OpenChunk::created(RowNumber row) const {
  if (row < adopted_rows_.load(std::memory_order_acquire))
    return adopted_seq_.load(std::memory_order_relaxed);
  const std::size_t number = block_of(row);
  return blocks_[number].created[row - block_begin(number)];
}

CommitSeq OpenChunk::ended(RowNumber row) const {
  const std::size_t number = block_of(row);
  return blocks_[number].ends.at(row - block_begin(number));
}

RowNumber OpenChunk::visible_prefix(CommitSeq seq) const {
  const RowNumber rows = row_count();
  if (rows == 0 || created(rows - 1) <= seq) return rows;
  RowNumber low = 0;
  RowNumber high = rows - 1;  // the first row created after `seq` is in [low, high]
  while (low < high) {
    const RowNumber middle = low + (high - low) / 2;
    if (created(middle) <= seq) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::uint64_t OpenChunk::visible_row_count(CommitSeq seq) const {
  const RowNumber rows = visible_prefix(seq);
  std::uint64_t count = rows;
  for (std::size_t number = 0; rows > 0 && number <= block_of(rows - 1); ++number) {
    if (is_block_whole(number)) continue;
    const RowNumber begin = block_begin(number);
    const RowNumber end = std::min(rows, begin + block_capacity(number));
    for (RowNumber row = begin; row < end; ++row)
      count -= blocks_[number].ends.at(row - begin) <= seq ? 1 : 0;
  }
  return count;
}

std::uint64_t OpenChunk::live_row_count() const {
  const RowNumber rows = row_count();
  std::uint64_t count = rows;
  for (std::size_t number = 0; rows > 0 && number <= block_of(rows - 1); ++number) {
    count -= blocks_[number].ends.ended_count();
  }
  return count;
}

CommitSeq OpenChunk::newest_created() const {
  const RowNumber rows = row_count();
  return rows == 0 ? 0 : created(rows - 1);
}

std::pair<std::int64_t, std::int64_t> OpenChunk::block_times(std::size_t block) const {
  return {blocks_[block].min_time.load(std::memory_order_relaxed),
          blocks_[block].max_time.load(std::memory_order_relaxed)};
}

std::vector<RowNumber> OpenChunk::sorted_rows(CommitSeq seq) const {
  const RowNumber rows = visible_prefix(seq);
  const std::uint32_t series_count = series_.size();
  // Series in the order of their keys.
  std::vector<std::uint32_t> by_key(series_count);
  std::iota(by_key.begin(), by_key.end(), 0U);
  std::sort(by_key.begin(), by_key.end(), [&](std::uint32_t a, std::uint32_t b) {
    const RowNumber a_row = series_[a].last_row.load(std::memory_order_relaxed);
    const RowNumber b_row = series_[b].last_row.load(std::memory_order_relaxed);
    for (const std::size_t column : series_indexes_) {
      const auto order = compare_in(column, a_row, b_row);
      if (order != 0) return order < 0;
    }
    return false;
  });
  const auto each_visible = [&](const auto& visit) {
    for (std::size_t number = 0; block_begin(number) < rows; ++number) {
      const Block& block = blocks_[number];
      const RowNumber begin = block_begin(number);
      const RowNumber count = std::min(rows - begin, block_capacity(number));
      const bool is_whole = is_block_whole(number);
      for (RowNumber i = 0; i < count; ++i) {
        if (is_whole || block.ends.at(i) > seq) visit(begin + i, block.series[i]);
      }
    }
  };
  std::vector<std::size_t> counts(series_count);
  each_visible([&](RowNumber /*row*/, std::uint32_t series) { ++counts[series]; });
  std::vector<std::size_t> next(series_count);
  std::size_t at = 0;
  for (const std::uint32_t series : by_key) {
    next[series] = at;
    at += counts[series];
  }
  std::vector<RowNumber> sorted(at);
  each_visible([&](RowNumber row, std::uint32_t series) { sorted[next[series]++] = row; });
  const auto is_before = [&](RowNumber a, RowNumber b) {
    if (time_index_) {
      const std::int64_t a_time = time(a);
      const std::int64_t b_time = time(b);
      if (a_time != b_time) return a_time < b_time;
    }
    return compare_key_tail(a, b) < 0;
  };
  at = 0;
  for (const std::uint32_t series : by_key) {
    const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(counts[series]);
    const bool is_in_order = series_[series].is_in_key_order.load(std::memory_order_relaxed);
    if (!is_in_order && !std::is_sorted(begin, end, is_before)) std::sort(begin, end, is_before);
    at += counts[series];
  }
  return sorted;
}

}  // namespace tickstone::storage
