// SPDX-License-Identifier: Apache-2.0
#include "storage/codec/bytes_codec.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include <zstd.h>

#include <tickstone/error.hpp>

#include "base/short_text.hpp"
#include "storage/codec/integer_stream.hpp"

namespace tickstone::storage {

namespace {

constexpr int kCompressionLevel = 3;
constexpr std::size_t kLeastCompressedBytes = 64;
/// No zstd frame expands further: 128 KiB of a block's 4 bytes.
constexpr std::uint64_t kMaxExpansion = 32768;

enum class Compression : std::uint8_t { None = 0, Zstd = 1 };
enum class CodeForm : std::uint8_t { Packed = 0, Runs = 1 };

[[noreturn]] void throw_corrupted(const char* what) { throw Error(ErrorCode::DataCorrupted, what); }

void write_texts(std::span<const std::string_view> texts, ByteWriter& out) {
  std::vector<std::int64_t> lengths(texts.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    lengths[i] = static_cast<std::int64_t>(texts[i].size());
    size += texts[i].size();
  }
  if (size > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::ProgramLimitExceeded, "a segment's block exceeds 4 GB of text");
  }
  write_integers(lengths, out);
  std::vector<char> heap;
  heap.reserve(size);
  for (const auto text : texts) heap.insert(heap.end(), text.begin(), text.end());
  std::vector<char> packed;
  std::size_t packed_size = size;
  if (size >= kLeastCompressedBytes) {
    packed.resize(ZSTD_compressBound(size));
    packed_size = ZSTD_compress(packed.data(), packed.size(), heap.data(), size, kCompressionLevel);
    if (ZSTD_isError(packed_size) != 0) packed_size = size;
  }
  const bool is_packed = packed_size < size - size / 16;
  const auto& stored = is_packed ? packed : heap;
  out.put(is_packed ? Compression::Zstd : Compression::None);
  out.put(static_cast<std::uint32_t>(size));
  out.put(static_cast<std::uint32_t>(is_packed ? packed_size : size));
  out.put_raw(stored.data(), is_packed ? packed_size : size);
}

thread_local bool has_thread_ended = false;  // needs no destructor, so it can be read to the last

/// With the thread's own context, made once. A store in a static object is closed when the main thread's
/// objects have gone.
std::size_t decompress(char* target, std::size_t size, std::span<const std::byte> stored) {
  struct Context {
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), &ZSTD_freeDCtx};
    ~Context() { has_thread_ended = true; }
  };
  if (has_thread_ended) return ZSTD_decompress(target, size, stored.data(), stored.size());
  thread_local const Context own;
  return ZSTD_decompressDCtx(own.context.get(), target, size, stored.data(), stored.size());
}

void read_texts(ByteReader& in, std::size_t count, Buffer<std::uint32_t>& offsets, Buffer<char>& heap) {
  IntegerDecoder lengths(in, count);
  const auto compression = in.get<std::uint8_t>();
  const std::size_t size = in.get<std::uint32_t>();
  const auto stored = in.get_bytes(in.get<std::uint32_t>());
  offsets = Buffer<std::uint32_t>(count + 1);
  std::int64_t group[kGroupValues];
  std::uint64_t offset = 0;
  std::uint64_t longest = 0;
  for (std::size_t row = 0; row < count;) {
    const std::size_t decoded = lengths.next(group);
    for (std::size_t i = 0; i < decoded; ++i, ++row) {
      offsets[row] = static_cast<std::uint32_t>(offset);
      const auto length = static_cast<std::uint64_t>(group[i]);
      longest |= length;  // a bit past `size` in any length shows here
      offset += length;
    }
  }
  // At most 65536 lengths of 32 bits: their sum has not wrapped.
  if (longest > std::numeric_limits<std::uint32_t>::max() || offset != size) {
    throw_corrupted("lengths of texts do not fit their bytes");
  }
  offsets[count] = static_cast<std::uint32_t>(offset);
  switch (compression) {
    case static_cast<std::uint8_t>(Compression::None):
      if (stored.size() != size) throw_corrupted("texts are cut");
      heap = Buffer<char>(size);
      if (size != 0) std::memcpy(heap.data(), stored.data(), size);
      return;
    case static_cast<std::uint8_t>(Compression::Zstd): {
      if (size > stored.size() * kMaxExpansion) throw_corrupted("texts do not decompress");
      heap = Buffer<char>(size);
      const std::size_t got = decompress(heap.data(), size, stored);
      if (ZSTD_isError(got) != 0 || got != size) throw_corrupted("texts do not decompress");
      return;
    }
    default:
      throw_corrupted("texts are compressed in an unknown way");
  }
}

/// Numbers the distinct texts in the order they come.
class DictionaryBuilder {
 public:
  explicit DictionaryBuilder(std::size_t row_count) : slots_(std::bit_ceil(row_count * 2), kFree) {
    hashes_.reserve(64);
  }

  std::uint32_t code_of(std::string_view text) {
    const std::uint64_t hash = hash_text(text);
    for (std::size_t slot = hash & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
      const std::uint32_t code = slots_[slot];
      if (code == kFree) {
        slots_[slot] = static_cast<std::uint32_t>(texts_.size());
        texts_.push_back(text);
        hashes_.push_back(hash);
        return slots_[slot];
      }
      if (hashes_[code] == hash && equal_texts(texts_[code], text)) return code;
    }
  }
  const std::vector<std::string_view>& texts() const { return texts_; }

 private:
  static constexpr std::uint32_t kFree = 0xFFFF'FFFF;
  std::vector<std::uint32_t> slots_;
  std::vector<std::string_view> texts_;
  std::vector<std::uint64_t> hashes_;
};

void write_codes(std::span<const std::int64_t> codes, ByteWriter& out) {
  std::vector<std::int64_t> run_codes;
  std::vector<std::int64_t> run_lengths;
  for (const std::int64_t code : codes) {
    if (run_codes.empty() || run_codes.back() != code) {
      run_codes.push_back(code);
      run_lengths.push_back(0);
    }
    ++run_lengths.back();
  }
  const IntegerPlan packed = plan_integers(codes);
  if (run_codes.size() < codes.size() / 2) {
    const IntegerPlan packed_codes = plan_integers(run_codes);
    const IntegerPlan packed_lengths = plan_integers(run_lengths);
    if (4 + packed_codes.size_bytes + packed_lengths.size_bytes < packed.size_bytes) {
      out.put(CodeForm::Runs);
      out.put(static_cast<std::uint32_t>(run_codes.size()));
      write_integers(packed_codes, run_codes, out);
      write_integers(packed_lengths, run_lengths, out);
      return;
    }
  }
  out.put(CodeForm::Packed);
  write_integers(packed, codes, out);
}

void read_packed_codes(ByteReader& in, std::size_t row_count, std::size_t text_count, std::uint32_t* codes) {
  IntegerDecoder decoder(in, row_count);
  std::int64_t group[kGroupValues];
  std::uint64_t all = 0;
  for (std::size_t row = 0; row < row_count;) {
    const std::size_t decoded = decoder.next(group);
    std::uint32_t highest = 0;
    for (std::size_t i = 0; i < decoded; ++i) {
      const auto code = static_cast<std::uint64_t>(group[i]);
      all |= code;
      codes[row + i] = static_cast<std::uint32_t>(code);
      highest = std::max(highest, codes[row + i]);
    }
    if (highest >= text_count) throw_corrupted("a code is not in its dictionary");
    row += decoded;
  }
  if (all > std::numeric_limits<std::uint32_t>::max()) throw_corrupted("a code is not in its dictionary");
}

void read_runs(ByteReader& in, std::size_t row_count, std::size_t text_count, std::uint32_t* codes) {
  const std::size_t run_count = in.get<std::uint32_t>();
  if (run_count > row_count) throw_corrupted("runs of codes do not fit their block");
  std::vector<std::int64_t> run_codes(run_count);
  std::vector<std::int64_t> run_lengths(run_count);
  IntegerDecoder(in, run_count).read_all(run_codes.data());
  IntegerDecoder(in, run_count).read_all(run_lengths.data());
  std::size_t row = 0;
  for (std::size_t run = 0; run < run_count; ++run) {
    const auto code = static_cast<std::uint64_t>(run_codes[run]);
    const auto length = static_cast<std::uint64_t>(run_lengths[run]);
    if (code >= text_count || length > row_count - row)
      throw_corrupted("runs of codes do not fit their block");
    std::fill_n(codes + row, length, static_cast<std::uint32_t>(code));
    row += length;
  }
  if (row != row_count) throw_corrupted("runs of codes do not fit their block");
}

}  // namespace

TextForm encode_texts(std::span<const std::string_view> rows, ByteWriter& out) {
  DictionaryBuilder builder(rows.size());
  std::vector<std::int64_t> codes(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const bool is_repeated = row > 0 && equal_texts(rows[row], rows[row - 1]);
    codes[row] = is_repeated ? codes[row - 1] : builder.code_of(rows[row]);
  }
  const auto& texts = builder.texts();
  ByteWriter dictionary;
  // Where nearly every row is another text a dictionary only adds the codes.
  const bool try_dictionary = texts.size() <= rows.size() - rows.size() / 4;
  if (try_dictionary) {
    dictionary.put(static_cast<std::uint32_t>(texts.size()));
    write_texts(texts, dictionary);
    write_codes(codes, dictionary);
  }
  // Few distinct texts stay a dictionary whatever zstd would save: it is faster to read, and to compute with.
  if (texts.size() > rows.size() / 8 || !try_dictionary) {
    ByteWriter whole;
    write_texts(rows, whole);
    if (!try_dictionary || whole.size() <= dictionary.size()) {
      out.put_bytes(whole.bytes());
      return TextForm::Whole;
    }
  }
  out.put_bytes(dictionary.bytes());
  return TextForm::Dictionary;
}

void decode_whole_texts(ByteReader& in, std::size_t row_count, DecodedBlock& block) {
  block.form = ColumnView::Form::Flat;
  read_texts(in, row_count, block.offsets, block.heap);
}

void decode_dictionary(ByteReader& in, std::size_t row_count, DecodedBlock& block) {
  const std::size_t text_count = in.get<std::uint32_t>();
  if (text_count > row_count) throw_corrupted("a dictionary is larger than its block");
  block.form = ColumnView::Form::Dictionary;
  read_texts(in, text_count, block.offsets, block.heap);
  block.codes = Buffer<std::uint32_t>(row_count);
  switch (in.get<std::uint8_t>()) {
    case static_cast<std::uint8_t>(CodeForm::Packed):
      read_packed_codes(in, row_count, text_count, block.codes.data());
      return;
    case static_cast<std::uint8_t>(CodeForm::Runs):
      read_runs(in, row_count, text_count, block.codes.data());
      return;
    default:
      throw_corrupted("codes have an unknown form");
  }
}

}  // namespace tickstone::storage
