// SPDX-License-Identifier: Apache-2.0
#include "storage/codec/block_codec.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/short_text.hpp"
#include "storage/codec/bytes_codec.hpp"
#include "storage/codec/float_codec.hpp"
#include "storage/codec/integer_stream.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage {

namespace {

enum class NullMap : std::uint8_t { None = 0, Bits = 1 };

struct BlockHeader {
  Codec codec = Codec::AllNull;
  Physical physical = Physical::Int64;
  std::uint8_t scale = 0;
  NullMap nulls = NullMap::None;
  std::uint32_t row_count = 0;
};
static_assert(sizeof(BlockHeader) == 8);

[[noreturn]] void throw_corrupted(const char* what) { throw Error(ErrorCode::DataCorrupted, what); }

std::size_t word_count(std::size_t rows) { return (rows + 63) / 64; }
std::size_t null_map_bytes(std::size_t rows) { return (rows + 7) / 8; }

/// One bit a row, from bit 0; what follows the last row is 0.
std::vector<std::uint64_t> validity_of(const ColumnView& column) {
  std::vector<std::uint64_t> words(word_count(column.size));
  for (std::size_t row = 0; row < column.size; ++row) {
    if (!column.is_null(row)) words[row / 64] |= std::uint64_t{1} << (row % 64);
  }
  return words;
}

/// The column's values; a null row repeats the value before it (or the first there is; zero where there is
/// none), so that it packs for nothing.
template <typename T, typename ValueAt>
std::vector<T> filled_values(const ColumnView& column, const ValueAt& value_at) {
  std::vector<T> values(column.size);
  if (column.validity == nullptr) {
    for (std::size_t row = 0; row < column.size; ++row) values[row] = value_at(row);
    return values;
  }
  std::size_t first = 0;
  while (first < column.size && column.is_null(first)) ++first;
  if (first == column.size) return values;
  T last = value_at(first);
  for (std::size_t row = 0; row < column.size; ++row) {
    if (!column.is_null(row)) last = value_at(row);
    values[row] = last;
  }
  return values;
}

template <typename T>
std::vector<T> filled_fixed(const ColumnView& column) {
  return filled_values<T>(column, [&](std::size_t row) { return column.fixed<T>(row); });
}

class BlockEncoder {
 public:
  BlockEncoder(const ColumnView& column, ByteWriter& out, std::span<const RelatedColumn> related)
      : column_(column), out_(out), related_(related) {
    TICKSTONE_CHECK(column.form == ColumnView::Form::Flat);
    TICKSTONE_CHECK(column.size > 0 && column.size <= kMaxBlockRows);
    header_.physical = column.layout.physical;
    header_.scale = column.layout.scale;
    header_.row_count = static_cast<std::uint32_t>(column.size);
  }

  Codec codec() const { return header_.codec; }

  void encode() {
    header_at_ = out_.size();
    out_.put(header_);
    if (column_.validity != nullptr) {
      const auto words = validity_of(column_);
      std::size_t valid_count = 0;
      for (const std::uint64_t word : words)
        valid_count += static_cast<std::size_t>(__builtin_popcountll(word));
      if (valid_count == 0) return finish(Codec::AllNull);
      if (valid_count != column_.size) {
        header_.nulls = NullMap::Bits;
        out_.put_raw(words.data(), null_map_bytes(column_.size));
      }
    }
    switch (column_.layout.physical) {
      case Physical::Bool:
        return encode_integers<std::uint8_t>();
      case Physical::Int16:
        return encode_integers<std::int16_t>();
      case Physical::Int32:
        return encode_integers<std::int32_t>();
      case Physical::Int64:
        return encode_integers<std::int64_t>();
      case Physical::Int128:
        return encode_wide();
      case Physical::Float32:
        return encode_floats<float, std::int32_t>();
      case Physical::Float64:
        return encode_floats<double, std::int64_t>();
      case Physical::Bytes:
        return encode_bytes();
    }
  }

 private:
  void finish(Codec codec) {
    header_.codec = codec;
    out_.overwrite(header_at_, header_);
  }

  /// Only without nulls: a constant column has one value or none.
  template <typename T>
  bool try_constant(std::span<const T> values) {
    if (header_.nulls != NullMap::None) return false;
    for (const T& value : values) {
      if constexpr (std::is_same_v<T, std::string_view>) {
        if (!equal_texts(value, values.front())) return false;
      } else if (value != values.front()) {
        return false;
      }
    }
    return true;
  }

  template <typename T>
  void encode_integers() {
    if constexpr (std::is_same_v<T, std::int64_t>) {
      // Mostly they are encoded from where they are.
      const auto* held = static_cast<const T*>(column_.data);
      if (column_.validity == nullptr && reinterpret_cast<std::uintptr_t>(held) % alignof(T) == 0)
        return encode_integers<T>(std::span(held, column_.size));
    }
    encode_integers<T>(filled_fixed<T>(column_));
  }

  template <typename T>
  void encode_integers(std::span<const T> typed) {
    if (try_constant(typed)) {
      out_.put(typed.front());
      return finish(Codec::Constant);
    }
    std::vector<std::int64_t> widened;
    std::span<const std::int64_t> values;
    if constexpr (std::is_same_v<T, std::int64_t>) {
      values = typed;
    } else {
      widened.assign(typed.begin(), typed.end());
      values = widened;
    }
    const IntegerPlan plan = plan_integers(values);
    const std::size_t alone = std::min(plan.size_bytes, typed.size() * sizeof(T));
    if (sizeof(T) == sizeof(std::int64_t) && try_related(values, alone)) return finish(Codec::Related);
    if (plan.size_bytes >= typed.size() * sizeof(T)) return encode_plain(typed);
    write_integers(plan, values, out_);
    finish(Codec::Integers);
  }

  static std::int64_t difference(std::int64_t value, std::int64_t other) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(other));
  }

  /// The differences to another column's values, where they are clearly smaller than what the values take
  /// alone.
  bool try_related(std::span<const std::int64_t> values, std::size_t alone) {
    const std::size_t limit = alone - alone / 8;
    std::size_t least = limit;
    const RelatedColumn* best = nullptr;
    for (const auto& related : related_) {
      if (related.rows.type != column_.type || related.rows.layout != column_.layout) continue;
      TICKSTONE_CHECK(related.rows.size == values.size());
      const bool is_plain = related.rows.validity == nullptr && related.rows.form == ColumnView::Form::Flat;
      const auto* others = static_cast<const std::int64_t*>(related.rows.data);
      const std::size_t estimate =
          estimate_integers(values.size(), [&](std::size_t first, std::span<std::int64_t> into) {
            for (std::size_t i = 0; is_plain && i < into.size(); ++i)
              into[i] = difference(values[first + i], others[first + i]);
            for (std::size_t i = 0; !is_plain && i < into.size(); ++i) {
              const bool is_null = related.rows.is_null(first + i);
              into[i] =
                  is_null ? 0 : difference(values[first + i], related.rows.fixed<std::int64_t>(first + i));
            }
          });
      if (estimate >= least) continue;
      least = estimate;
      best = &related;
    }
    if (best == nullptr) return false;
    auto differences = filled_fixed<std::int64_t>(best->rows);
    for (std::size_t row = 0; row < values.size(); ++row) {
      differences[row] = difference(values[row], differences[row]);
    }
    const std::uint16_t number = best->number;
    const IntegerPlan plan = plan_integers(differences);
    if (sizeof(number) + plan.size_bytes >= limit) return false;
    out_.put(number);
    write_integers(plan, differences, out_);
    return true;
  }

  template <typename T>
  void encode_plain(std::span<const T> values) {
    out_.put_raw(values.data(), values.size() * sizeof(T));
    finish(Codec::Plain);
  }

  void encode_wide() {
    const auto typed = filled_fixed<Int128>(column_);
    if (try_constant<Int128>(typed)) {
      out_.put(typed.front());
      return finish(Codec::Constant);
    }
    std::vector<std::int64_t> low(typed.size());
    std::vector<std::int64_t> high(typed.size());
    bool is_narrow = true;
    for (std::size_t row = 0; row < typed.size(); ++row) {
      low[row] = static_cast<std::int64_t>(typed[row]);
      high[row] = static_cast<std::int64_t>(typed[row] >> 64);
      is_narrow &= typed[row] == low[row];
    }
    const IntegerPlan low_plan = plan_integers(low);
    if (is_narrow) {
      header_.physical = Physical::Int64;
      write_integers(low_plan, low, out_);
      return finish(Codec::Integers);
    }
    const IntegerPlan high_plan = plan_integers(high);
    if (low_plan.size_bytes + high_plan.size_bytes >= typed.size() * sizeof(Int128))
      return encode_plain<Int128>(typed);
    write_integers(low_plan, low, out_);
    write_integers(high_plan, high, out_);
    finish(Codec::WideIntegers);
  }

  template <typename Float, typename Bits>
  void encode_floats() {
    const auto bits = filled_fixed<Bits>(column_);
    if (try_constant<Bits>(bits)) {
      out_.put(bits.front());
      return finish(Codec::Constant);
    }
    const std::size_t plain_bytes = bits.size() * sizeof(Bits);
    std::vector<Float> values(bits.size());
    std::memcpy(values.data(), bits.data(), plain_bytes);
    // Decimals of half the size are not worth a comparison with the packed bit patterns.
    if (encode_decimal_floats<Float>(values, plain_bytes / 2, out_)) return finish(Codec::DecimalFloats);
    const std::vector<std::int64_t> wide(bits.begin(), bits.end());
    const IntegerPlan plan = plan_integers(wide);
    if (encode_decimal_floats<Float>(values, std::min(plan.size_bytes, plain_bytes), out_)) {
      return finish(Codec::DecimalFloats);
    }
    if (plan.size_bytes >= plain_bytes) return encode_plain<Bits>(bits);
    write_integers(plan, wide, out_);
    finish(Codec::Integers);
  }

  void encode_bytes() {
    const auto texts =
        filled_values<std::string_view>(column_, [&](std::size_t row) { return column_.bytes(row); });
    if (try_constant<std::string_view>(texts)) {
      out_.put_string(texts.front());
      return finish(Codec::Constant);
    }
    finish(encode_texts(texts, out_) == TextForm::Dictionary ? Codec::Dictionary : Codec::Texts);
  }

  const ColumnView& column_;
  ByteWriter& out_;
  std::span<const RelatedColumn> related_;
  BlockHeader header_;
  std::size_t header_at_ = 0;
};

/// Reads a block whose header is known.
class BlockDecoder {
 public:
  BlockDecoder(ByteReader& in, const BlockHeader& header, DecodedBlock& block,
               const ReadRelated& read_related)
      : in_(in), header_(header), block_(block), read_related_(read_related) {}

  void decode() {
    switch (header_.codec) {
      case Codec::AllNull:
        return decode_all_null();
      case Codec::Constant:
        return decode_constant();
      case Codec::Plain:
        return decode_plain();
      case Codec::Integers:
        return decode_integers();
      case Codec::WideIntegers:
        return decode_wide();
      case Codec::DecimalFloats:
        return decode_floats();
      case Codec::Texts:
        need(Physical::Bytes);
        return decode_whole_texts(in_, block_.row_count, block_);
      case Codec::Dictionary:
        need(Physical::Bytes);
        decode_dictionary(in_, block_.row_count, block_);
        block_.dictionary = make_dictionary();
        return;
      case Codec::Related:
        return decode_related();
    }
    throw_corrupted("a block has an unknown codec");
  }

 private:
  void need(Physical physical) const {
    if (header_.physical != physical) throw_corrupted("a block's codec does not fit its values");
  }

  Physical target() const { return block_.layout.physical; }
  bool is_converted() const {
    return header_.physical != block_.layout.physical || header_.scale != block_.layout.scale;
  }

  void decode_all_null() {
    block_.form = ColumnView::Form::Constant;
    block_.validity.assign(1, 0);
    if (target() == Physical::Bytes) {
      block_.offsets = Buffer<std::uint32_t>(2);
      block_.offsets[0] = block_.offsets[1] = 0;
      block_.heap = Buffer<char>(0);
    } else {
      block_.data = Buffer<std::byte>(width_bytes(target()));
      std::memset(block_.data.data(), 0, block_.data.size());
    }
  }

  void decode_constant() {
    if (header_.nulls != NullMap::None) throw_corrupted("a constant block has a null map");
    block_.form = ColumnView::Form::Constant;
    if (header_.physical == Physical::Bytes) {
      const auto text = in_.get_string();
      block_.offsets = Buffer<std::uint32_t>(2);
      block_.offsets[0] = 0;
      block_.offsets[1] = static_cast<std::uint32_t>(text.size());
      block_.heap = Buffer<char>(text.size());
      if (!text.empty()) std::memcpy(block_.heap.data(), text.data(), text.size());
      return;
    }
    read_fixed(1);
  }

  void decode_plain() {
    if (header_.physical == Physical::Bytes) throw_corrupted("a block's codec does not fit its values");
    read_fixed(block_.row_count);
  }

  /// `count` values as they are, or widened.
  void read_fixed(std::size_t count) {
    const auto bytes = in_.get_bytes(count * width_bytes(header_.physical));
    if (!is_converted()) {
      block_.data = Buffer<std::byte>(bytes.size());
      std::memcpy(block_.data.data(), bytes.data(), bytes.size());
      return;
    }
    std::vector<Int128> values(count);
    if (header_.physical == Physical::Int64) {
      std::vector<std::int64_t> narrow(count);
      std::memcpy(narrow.data(), bytes.data(), bytes.size());
      std::copy(narrow.begin(), narrow.end(), values.begin());
    } else {
      std::memcpy(values.data(), bytes.data(), bytes.size());
    }
    store_rescaled(values);
  }

  void decode_integers() {
    if (header_.physical == Physical::Int128 || header_.physical == Physical::Bytes) {
      throw_corrupted("a block's codec does not fit its values");
    }
    IntegerDecoder decoder(in_, block_.row_count);
    if (is_converted()) {
      std::vector<std::int64_t> narrow(block_.row_count);
      decoder.read_all(narrow.data());
      if (target() == Physical::Int64) return rescale_narrow(narrow);
      return store_rescaled({narrow.begin(), narrow.end()});
    }
    switch (header_.physical) {
      case Physical::Bool:
        return narrow_to<std::uint8_t>(decoder, 1);  // any other byte is no bool, whatever is done with it
      case Physical::Int16:
        return narrow_to<std::int16_t>(decoder);
      case Physical::Int32:
      case Physical::Float32:
        return narrow_to<std::int32_t>(decoder);
      case Physical::Int64:
      case Physical::Float64:
        block_.data = Buffer<std::byte>(block_.row_count * sizeof(std::int64_t));
        decoder.read_all(reinterpret_cast<std::int64_t*>(block_.data.data()));
        return;
      case Physical::Int128:
      case Physical::Bytes:
        break;
    }
  }

  void decode_related() {
    need(Physical::Int64);
    const auto number = in_.get<std::uint16_t>();
    if (!read_related_) throw_corrupted("a block is relative to a column that is not there");
    const auto related = read_related_(number, {Physical::Int64, header_.scale});
    const ColumnView others = related->view();
    if (others.size != block_.row_count || others.layout != ColumnLayout{Physical::Int64, header_.scale} ||
        others.form == ColumnView::Form::Dictionary) {
      throw_corrupted("a block is relative to a column that does not fit");
    }
    const auto* base = static_cast<const std::uint64_t*>(others.data);
    IntegerDecoder decoder(in_, block_.row_count);
    std::vector<std::int64_t> unscaled(is_converted() ? block_.row_count : 0);
    if (!is_converted()) block_.data = Buffer<std::byte>(block_.row_count * sizeof(std::int64_t));
    auto* into = is_converted() ? unscaled.data() : reinterpret_cast<std::int64_t*>(block_.data.data());
    auto* sums = reinterpret_cast<std::uint64_t*>(into);
    decoder.read_all(into);
    if (others.form == ColumnView::Form::Constant) {
      for (std::size_t row = 0; row < block_.row_count; ++row) sums[row] += base[0];
    } else {
      for (std::size_t row = 0; row < block_.row_count; ++row) sums[row] += base[row];
    }
    if (!is_converted()) return;
    if (target() == Physical::Int64) return rescale_narrow(unscaled);
    store_rescaled({unscaled.begin(), unscaled.end()});
  }

  template <typename T>
  void narrow_to(IntegerDecoder& decoder, std::int64_t mask = -1) {
    block_.data = Buffer<std::byte>(block_.row_count * sizeof(T));
    auto* into = reinterpret_cast<T*>(block_.data.data());
    std::int64_t group[kGroupValues];
    while (const std::size_t decoded = decoder.next(group)) {
      for (std::size_t i = 0; i < decoded; ++i) into[i] = static_cast<T>(group[i] & mask);
      into += decoded;
    }
  }

  void decode_wide() {
    need(Physical::Int128);
    std::vector<std::int64_t> low(block_.row_count);
    std::vector<std::int64_t> high(block_.row_count);
    IntegerDecoder(in_, block_.row_count).read_all(low.data());
    IntegerDecoder(in_, block_.row_count).read_all(high.data());
    std::vector<Int128> values(block_.row_count);
    for (std::size_t row = 0; row < values.size(); ++row) {
      const auto wide = static_cast<UInt128>(static_cast<std::uint64_t>(high[row])) << 64;
      values[row] = static_cast<Int128>(wide | static_cast<std::uint64_t>(low[row]));
    }
    if (is_converted()) return store_rescaled(std::move(values));
    block_.data = Buffer<std::byte>(values.size() * sizeof(Int128));
    std::memcpy(block_.data.data(), values.data(), block_.data.size());
  }

  void rescale_narrow(const std::vector<std::int64_t>& values) {
    const auto power = static_cast<std::int64_t>(power_to_target());
    block_.data = Buffer<std::byte>(values.size() * sizeof(std::int64_t));
    auto* into = reinterpret_cast<std::int64_t*>(block_.data.data());
    std::int64_t overflowed = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
      overflowed |= __builtin_mul_overflow(values[row], power, &into[row]) ? 1 : 0;
    }
    if (overflowed != 0) throw_corrupted("a decimal does not fit its segment's layout");
  }

  Int128 power_to_target() const {
    if (block_.layout.scale < header_.scale || block_.layout.scale > kMaxNumericDigits) {
      throw_corrupted("a block's scale does not fit its segment's layout");
    }
    const int exponent = block_.layout.scale - header_.scale;
    if (target() == Physical::Int64 && exponent > kMaxInt64Digits) {
      throw_corrupted("a block's scale does not fit its segment's layout");
    }
    return power_of_ten(exponent);
  }

  void store_rescaled(std::vector<Int128> values) {
    const Int128 power = power_to_target();
    bool has_overflowed = false;
    for (Int128& value : values) has_overflowed |= __builtin_mul_overflow(value, power, &value);
    block_.data = Buffer<std::byte>(values.size() * width_bytes(target()));
    if (target() == Physical::Int128) {
      std::memcpy(block_.data.data(), values.data(), block_.data.size());
    } else {
      auto* into = reinterpret_cast<std::int64_t*>(block_.data.data());
      for (std::size_t row = 0; row < values.size(); ++row) {
        into[row] = static_cast<std::int64_t>(values[row]);
        has_overflowed |= values[row] != into[row];
      }
    }
    if (has_overflowed) throw_corrupted("a decimal does not fit its segment's layout");
  }

  void decode_floats() {
    if (header_.physical == Physical::Float32) {
      block_.data = Buffer<std::byte>(block_.row_count * sizeof(float));
      return decode_decimal_floats<float>(in_,
                                          {reinterpret_cast<float*>(block_.data.data()), block_.row_count});
    }
    need(Physical::Float64);
    block_.data = Buffer<std::byte>(block_.row_count * sizeof(double));
    decode_decimal_floats<double>(in_, {reinterpret_cast<double*>(block_.data.data()), block_.row_count});
  }

  ColumnView make_dictionary() const {
    ColumnView texts;
    texts.type = block_.type;
    texts.layout = block_.layout;
    texts.size = block_.offsets.size() - 1;
    texts.offsets = block_.offsets.data();
    texts.heap = block_.heap.data();
    return texts;
  }

  ByteReader& in_;
  const BlockHeader& header_;
  DecodedBlock& block_;
  const ReadRelated& read_related_;
};

bool may_read_as(const BlockHeader& header, const SqlType& type, ColumnLayout layout) {
  if (header.physical == layout.physical && header.scale == layout.scale) return true;
  if (header.physical == Physical::Int64 && layout.physical == Physical::Int128 &&
      header.scale == layout.scale) {
    return true;
  }
  const auto is_decimal = [](Physical physical) {
    return physical == Physical::Int64 || physical == Physical::Int128;
  };
  return type.id == TypeId::Numeric && !type.is_array && is_decimal(header.physical) &&
         is_decimal(layout.physical) && header.scale <= layout.scale;
}

}  // namespace

ColumnView DecodedBlock::view() const {
  ColumnView view;
  view.type = type;
  view.layout = layout;
  view.form = form;
  view.size = row_count;
  view.validity = validity.empty() ? nullptr : validity.data();
  if (form == ColumnView::Form::Dictionary) {
    view.codes = codes.data();
    view.dictionary = &dictionary;
    view.dictionary_id = dictionary_id;
    return view;
  }
  view.data = data.data();
  view.offsets = offsets.data();
  view.heap = heap.data();
  return view;
}

std::size_t DecodedBlock::memory_bytes() const {
  return sizeof(*this) + validity.size() * sizeof(std::uint64_t) + data.memory_bytes() +
         offsets.memory_bytes() + heap.memory_bytes() + codes.memory_bytes();
}

Codec encode_block(const ColumnView& column, ByteWriter& out, std::span<const RelatedColumn> related) {
  BlockEncoder encoder(column, out, related);
  encoder.encode();
  return encoder.codec();
}

std::shared_ptr<const DecodedBlock> decode_block(std::span<const std::byte> encoded, const SqlType& type,
                                                 ColumnLayout layout, std::size_t row_count,
                                                 std::uint64_t dictionary_id,
                                                 const ReadRelated& read_related) {
  ByteReader in(encoded, "block");
  // Every byte is a number until it is known to be an enumerator.
  const auto codec = in.get<std::uint8_t>();
  const auto physical = in.get<std::uint8_t>();
  const auto scale = in.get<std::uint8_t>();
  const auto nulls = in.get<std::uint8_t>();
  const auto rows = in.get<std::uint32_t>();
  if (codec > static_cast<std::uint8_t>(Codec::Related) ||
      physical > static_cast<std::uint8_t>(Physical::Bytes) || scale > kMaxNumericDigits ||
      nulls > static_cast<std::uint8_t>(NullMap::Bits) || rows != row_count || rows == 0 ||
      rows > kMaxBlockRows) {
    throw_corrupted("a block has an unknown header");
  }
  const BlockHeader header{static_cast<Codec>(codec), static_cast<Physical>(physical), scale,
                           static_cast<NullMap>(nulls), rows};
  if (!may_read_as(header, type, layout)) throw_corrupted("a block does not have its column's layout");
  auto block = std::make_shared<DecodedBlock>();
  block->type = type;
  block->layout = layout;
  block->row_count = row_count;
  block->dictionary_id = dictionary_id;
  block->stored_bytes = encoded.size();
  if (header.nulls == NullMap::Bits) {
    const auto bytes = in.get_bytes(null_map_bytes(row_count));
    block->validity.resize(word_count(row_count));
    std::memcpy(block->validity.data(), bytes.data(), bytes.size());
  }
  BlockDecoder(in, header, *block, read_related).decode();
  if (!in.at_end()) throw_corrupted("a block is longer than its values");
  return block;
}

}  // namespace tickstone::storage
