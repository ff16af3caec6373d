// SPDX-License-Identifier: Apache-2.0
#include "storage/codec/integer_stream.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include <tickstone/error.hpp>

#include "base/check.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kMaxValues = 65536;
constexpr std::size_t kSampleValues = 256;
constexpr std::size_t kStretches = 4;
constexpr std::size_t kStretchValues = 128;
constexpr std::uint8_t kHasDivisor = 4;
constexpr std::uint8_t kHasExceptions = 8;

std::size_t header_bytes(Transform transform, bool has_divisor) {
  return 2 + 8 + 8 * static_cast<std::size_t>(transform) + (has_divisor ? 8 : 0);
}

unsigned position_width(std::size_t count) { return bit_width_of(count - 1); }

std::size_t exception_bytes(std::size_t exception_count, std::size_t count, unsigned high_width) {
  if (exception_count == 0) return 0;
  return 3 + packed_bytes(exception_count, position_width(count)) + packed_bytes(exception_count, high_width);
}

/// The differences that `transform` packs. What has no predecessor gets `u = 0` later: its place is not
/// counted.
std::vector<std::uint64_t> transformed(Transform transform, std::span<const std::int64_t> values) {
  std::vector<std::uint64_t> result(values.begin(), values.end());
  for (std::size_t round = 0; round < static_cast<std::size_t>(transform); ++round) {
    for (std::size_t i = result.size() - 1; i > round; --i) result[i] -= result[i - 1];
  }
  return result;
}

/// An object rather than a function, so that sorting calls nothing.
constexpr auto kLessBySign = [](std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
};

struct Bounds {
  std::uint64_t lowest = 0;
  std::uint64_t highest = 0;
  bool fit_int64() const { return highest - lowest <= INT64_MAX; }
};

/// By sign. Four at a time: one would wait for the one before it.
Bounds bounds_of(std::span<const std::uint64_t> values) {
  std::array<std::int64_t, 4> low;
  low.fill(static_cast<std::int64_t>(values.front()));
  auto high = low;
  std::size_t i = 0;
  for (; i + low.size() <= values.size(); i += low.size()) {
    for (std::size_t lane = 0; lane < low.size(); ++lane) {
      const auto value = static_cast<std::int64_t>(values[i + lane]);
      low[lane] = std::min(low[lane], value);
      high[lane] = std::max(high[lane], value);
    }
  }
  for (; i < values.size(); ++i) {
    low[0] = std::min(low[0], static_cast<std::int64_t>(values[i]));
    high[0] = std::max(high[0], static_cast<std::int64_t>(values[i]));
  }
  return {static_cast<std::uint64_t>(*std::min_element(low.begin(), low.end())),
          static_cast<std::uint64_t>(*std::max_element(high.begin(), high.end()))};
}

/// Division that leaves no remainder, by multiplying with the inverse modulo 2^64.
class ExactDivisor {
 public:
  explicit ExactDivisor(std::uint64_t divisor) : shift_(static_cast<unsigned>(std::countr_zero(divisor))) {
    const std::uint64_t odd = divisor >> shift_;
    inverse_ = odd;  // right in 3 bits; each round doubles them
    for (int round = 0; round < 5; ++round) inverse_ *= 2 - odd * inverse_;
    limit_ = UINT64_MAX / divisor;
  }
  /// A remainder of powers of two comes to the top bits, any other one makes the product large.
  bool divides(std::uint64_t value) const {
    return std::rotr(value * inverse_, static_cast<int>(shift_)) <= limit_;
  }
  /// `difference` as a signed multiple of the divisor.
  std::uint64_t quotient(std::uint64_t difference) const {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(difference) >> shift_) * inverse_;
  }

 private:
  unsigned shift_;
  std::uint64_t inverse_ = 0;
  std::uint64_t limit_ = 0;
};

/// The largest number that divides the difference of any two values; 1 when one of them does not fit an
/// int64.
std::uint64_t common_divisor(std::span<const std::uint64_t> values, const Bounds& bounds) {
  if (!bounds.fit_int64()) return 1;
  if (bounds.lowest == bounds.highest) return 1;
  // From the lowest no difference has a sign. Mostly two values are enough to say that there is none.
  std::uint64_t divisor = bounds.highest - bounds.lowest;
  constexpr std::size_t kPart = 32;
  ExactDivisor exact(divisor);
  for (std::size_t first = 0; first < values.size(); first += kPart) {
    const auto part = values.subspan(first, std::min(kPart, values.size() - first));
    bool is_divided = true;
    for (const std::uint64_t value : part) is_divided &= exact.divides(value - bounds.lowest);
    if (is_divided) continue;
    for (const std::uint64_t value : part) {
      if ((value - bounds.lowest) % divisor != 0) divisor = std::gcd(divisor, value - bounds.lowest);
      if (divisor == 1) return 1;
    }
    exact = ExactDivisor(divisor);
  }
  return divisor;
}

/// Tries one base: finds the width of the fewest bytes for `count` values like these.
void consider_base(std::span<const std::uint64_t> values, std::size_t count, IntegerPlan candidate,
                   IntegerPlan& best) {
  // Four counts side by side: one would wait for itself wherever neighbours have one width.
  std::array<std::array<std::uint32_t, 65>, 4> counts{};
  const auto note = [&](std::size_t i, std::uint64_t quotient) { ++counts[i % 4][bit_width_of(quotient)]; };
  if (candidate.divisor == 1) {
    for (std::size_t i = 0; i < values.size(); ++i) note(i, values[i] - candidate.base);
  } else {
    const ExactDivisor exact(candidate.divisor);
    for (std::size_t i = 0; i < values.size(); ++i) note(i, exact.quotient(values[i] - candidate.base));
  }
  std::array<std::size_t, 65> histogram{};
  for (const auto& part : counts) {
    for (std::size_t width = 0; width < part.size(); ++width) histogram[width] += part[width];
  }
  unsigned widest = 64;
  while (widest > 0 && histogram[widest] == 0) --widest;
  std::size_t exception_count = 0;
  for (unsigned width = widest;; --width) {
    candidate.width = width;
    candidate.size_bytes = header_bytes(candidate.transform, candidate.divisor != 1) +
                           packed_bytes(count, width) +
                           exception_bytes(exception_count, count, widest - width);
    if (best.size_bytes == 0 || candidate.size_bytes < best.size_bytes) best = candidate;
    if (width == 0) break;
    exception_count += histogram[width];
    if (exception_count > count / 4) break;
  }
}

void consider_transform(Transform transform, std::span<const std::int64_t> values, IntegerPlan& best) {
  const auto skipped = static_cast<std::size_t>(transform);
  const auto all = transformed(transform, values);
  const auto counted = std::span(all).subspan(skipped);
  IntegerPlan candidate;
  candidate.transform = transform;
  const Bounds bounds = bounds_of(counted);
  candidate.divisor = common_divisor(counted, bounds);
  candidate.base = bounds.lowest;
  consider_base(counted, values.size(), candidate, best);
  // A few values far below the rest would make all others wide: try to leave them to the exceptions.
  std::vector<std::uint64_t> sample;
  const std::size_t step = std::max<std::size_t>(1, counted.size() / kSampleValues);
  for (std::size_t i = 0; i < counted.size(); i += step) sample.push_back(counted[i]);
  // Only the lowest are asked for.
  const auto needed = sample.begin() + static_cast<std::ptrdiff_t>(sample.size() / 8 + 1);
  if (needed < sample.end()) std::nth_element(sample.begin(), needed, sample.end(), kLessBySign);
  std::sort(sample.begin(), std::min(needed, sample.end()), kLessBySign);
  // The sample says which part of the values is best left below the base; of a few values it is not worth it.
  IntegerPlan from_lowest;
  consider_base(sample, sample.size(), candidate, from_lowest);
  IntegerPlan by_sample;
  for (const std::size_t part : {32, 64, 16, 8}) {
    IntegerPlan tried = candidate;
    tried.base = sample[sample.size() / part];
    consider_base(sample, sample.size(), tried, by_sample);
    if (counted.size() < kGroupValues) break;
  }
  if (by_sample.size_bytes < from_lowest.size_bytes) {
    candidate.base = by_sample.base;
    consider_base(counted, values.size(), candidate, best);
  }
}

std::size_t stretch_begin(std::size_t stretch, std::size_t count) {
  return stretch * (count - kStretchValues) / (kStretches - 1);
}

/// Bits that a divisor of all values would save of each, by a few of them.
unsigned divisor_bits(std::span<const std::int64_t> values) {
  std::vector<std::uint64_t> sample;
  const std::size_t step = std::max<std::size_t>(1, values.size() / 32);
  for (std::size_t i = 0; i < values.size(); i += step)
    sample.push_back(static_cast<std::uint64_t>(values[i]));
  return bit_width_of(common_divisor(sample, bounds_of(sample))) - 1;
}

/// What values take that are packed in the width that is best for them, those under `base` as exceptions.
std::size_t packed_from(std::span<const std::uint64_t> values, std::uint64_t base, unsigned saved_bits) {
  std::array<std::array<std::uint16_t, 65>, 2> counts{};
  for (std::size_t i = 0; i < values.size(); ++i)
    ++counts[i % 2][bit_width_of((values[i] - base) >> saved_bits)];
  unsigned widest = 64;
  while (widest > 0 && counts[0][widest] + counts[1][widest] == 0) --widest;
  std::size_t least = SIZE_MAX;
  std::size_t exception_count = 0;
  for (unsigned width = widest;; --width) {
    least = std::min(least, packed_bytes(values.size(), width) +
                                exception_bytes(exception_count, values.size(), widest - width));
    if (width == 0) break;
    exception_count += counts[0][width] + counts[1][width];
    if (exception_count > values.size() / 4) break;
  }
  return least;
}

/// About what `transform` would take of a stretch of many values; to be compared with another one.
std::size_t stretch_bytes(Transform transform, std::span<const std::int64_t> stretch, unsigned saved_bits) {
  std::array<std::uint64_t, kStretchValues> all;
  std::copy(stretch.begin(), stretch.end(), all.begin());
  const auto skipped = static_cast<std::size_t>(transform);
  for (std::size_t round = 0; round < skipped; ++round) {
    for (std::size_t i = stretch.size() - 1; i > round; --i) all[i] -= all[i - 1];
  }
  const auto counted = std::span(all.data(), stretch.size()).subspan(skipped);
  const Bounds bounds = bounds_of(counted);
  if (bounds.lowest == bounds.highest) return 0;
  const std::size_t bytes = packed_from(counted, bounds.lowest, saved_bits);
  // As when it is planned: perhaps a few lie far below the others.
  std::array<std::uint64_t, 16> sample;
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = counted[i * counted.size() / sample.size()];
  std::nth_element(sample.begin(), sample.begin() + 1, sample.end(), kLessBySign);
  if (sample[1] - bounds.lowest < (bounds.highest - bounds.lowest) / 8) return bytes;
  return std::min(bytes, packed_from(counted, sample[1], saved_bits));
}

/// What `transform` would take of all values, judged by a few stretches of them.
std::size_t estimated_bytes(Transform transform, std::span<const std::int64_t> values, unsigned saved_bits) {
  std::size_t bytes = 0;
  for (std::size_t stretch = 0; stretch < kStretches; ++stretch) {
    bytes += stretch_bytes(transform, values.subspan(stretch_begin(stretch, values.size()), kStretchValues),
                           saved_bits);
  }
  return bytes;
}

[[noreturn]] void throw_corrupted(const char* what) { throw Error(ErrorCode::DataCorrupted, what); }

}  // namespace

IntegerPlan plan_integers(std::span<const std::int64_t> values) {
  TICKSTONE_CHECK(!values.empty() && values.size() <= kMaxValues);
  IntegerPlan best;
  if (values.size() < kStretches * kStretchValues * 2) {
    consider_transform(Transform::None, values, best);
    if (values.size() > 1) consider_transform(Transform::Delta, values, best);
    if (values.size() > 2) consider_transform(Transform::DeltaOfDelta, values, best);
    return best;
  }
  constexpr std::array kTransforms = {Transform::None, Transform::Delta, Transform::DeltaOfDelta};
  std::array<std::size_t, kTransforms.size()> estimates{};
  const unsigned saved_bits = divisor_bits(values);
  for (std::size_t i = 0; i < kTransforms.size(); ++i)
    estimates[i] = estimated_bytes(kTransforms[i], values, saved_bits);
  const std::size_t least = *std::min_element(estimates.begin(), estimates.end());
  // Stretches that need nothing say little of the rest.
  const std::size_t worth_trying = least + least / 16 + 32;
  for (std::size_t i = 0; i < kTransforms.size(); ++i) {
    if (estimates[i] <= worth_trying) consider_transform(kTransforms[i], values, best);
  }
  return best;
}

std::size_t estimate_integers(std::size_t count, const ReadStretch& read_stretch) {
  std::array<std::int64_t, kStretchValues> values;
  if (count < kStretches * kStretchValues) {
    const std::span part(values.data(), std::min(count, kStretchValues));
    read_stretch(0, part);
    return plan_integers(part).size_bytes * count / part.size();
  }
  std::size_t plain = 0;
  std::size_t deltas = 0;
  for (std::size_t stretch = 0; stretch < kStretches; ++stretch) {
    read_stretch(stretch_begin(stretch, count), values);
    const unsigned saved_bits = divisor_bits(values);
    plain += stretch_bytes(Transform::None, values, saved_bits);
    deltas += stretch_bytes(Transform::Delta, values, saved_bits);
  }
  return header_bytes(Transform::Delta, true) +
         std::min(plain, deltas) * count / (kStretches * kStretchValues);
}

void write_integers(const IntegerPlan& plan, std::span<const std::int64_t> values, ByteWriter& out) {
  const auto skipped = static_cast<std::size_t>(plan.transform);
  const std::size_t size_before = out.size();
  auto quotients = transformed(plan.transform, values);
  const std::uint64_t first = static_cast<std::uint64_t>(values[0]);
  const std::uint64_t first_delta = values.size() > 1 ? static_cast<std::uint64_t>(values[1]) - first : 0;
  std::vector<std::uint64_t> positions;
  std::vector<std::uint64_t> high_bits;
  const ExactDivisor exact(plan.divisor);
  for (std::size_t i = 0; i < quotients.size(); ++i) {
    quotients[i] = i < skipped ? 0 : exact.quotient(quotients[i] - plan.base);
    if (plan.width < 64 && (quotients[i] >> plan.width) != 0) {
      positions.push_back(i);
      high_bits.push_back(quotients[i] >> plan.width);
    }
  }
  std::uint8_t flags = static_cast<std::uint8_t>(plan.transform);
  if (plan.divisor != 1) flags |= kHasDivisor;
  if (!positions.empty()) flags |= kHasExceptions;
  out.put(flags);
  out.put(static_cast<std::uint8_t>(plan.width));
  out.put(plan.base);
  if (plan.transform != Transform::None) out.put(first);
  if (plan.transform == Transform::DeltaOfDelta) out.put(first_delta);
  if (plan.divisor != 1) out.put(plan.divisor);
  if (!positions.empty()) {
    const std::uint64_t all =
        std::accumulate(high_bits.begin(), high_bits.end(), std::uint64_t{0}, std::bit_or<>{});
    const unsigned high_width = bit_width_of(all);
    out.put(static_cast<std::uint16_t>(positions.size()));
    out.put(static_cast<std::uint8_t>(high_width));
    pack_bits(positions, position_width(values.size()), out);
    pack_bits(high_bits, high_width, out);
  }
  pack_bits(quotients, plan.width, out);
  TICKSTONE_DCHECK(out.size() - size_before == plan.size_bytes);
  (void)size_before;
}

void write_integers(std::span<const std::int64_t> values, ByteWriter& out) {
  write_integers(plan_integers(values), values, out);
}

IntegerDecoder::IntegerDecoder(ByteReader& in, std::size_t count) : count_(count) {
  const auto flags = in.get<std::uint8_t>();
  width_ = in.get<std::uint8_t>();
  if (count == 0 || count > kMaxValues || (flags & 3U) == 3U || (flags & ~15U) != 0 || width_ > 64) {
    throw_corrupted("integers have an unknown form");
  }
  transform_ = static_cast<Transform>(flags & 3U);
  base_ = in.get<std::uint64_t>();
  if (transform_ != Transform::None) first_ = in.get<std::uint64_t>();
  if (transform_ == Transform::DeltaOfDelta) first_delta_ = in.get<std::uint64_t>();
  if ((flags & kHasDivisor) != 0) divisor_ = in.get<std::uint64_t>();
  if ((flags & kHasExceptions) != 0) {
    const std::size_t exception_count = in.get<std::uint16_t>();
    const unsigned high_width = in.get<std::uint8_t>();
    if (exception_count > count || high_width > 64 || width_ == 64) {
      throw_corrupted("integers have an unknown form");
    }
    const unsigned width = position_width(count);
    exception_positions_.resize(exception_count);
    exception_high_bits_.resize(exception_count);
    unpack_bits(in.get_bytes(packed_bytes(exception_count, width)), exception_count, width,
                exception_positions_.data());
    unpack_bits(in.get_bytes(packed_bytes(exception_count, high_width)), exception_count, high_width,
                exception_high_bits_.data());
    for (std::size_t i = 0; i < exception_count; ++i) {
      if (exception_positions_[i] >= count ||
          (i > 0 && exception_positions_[i] <= exception_positions_[i - 1])) {
        throw_corrupted("integers have an exception out of place");
      }
    }
  }
  packed_ = in.get_bytes(packed_bytes(count, width_));
}

void IntegerDecoder::patch(std::uint64_t* group, std::size_t size) {
  while (next_exception_ < exception_positions_.size() &&
         exception_positions_[next_exception_] < at_ + size) {
    group[exception_positions_[next_exception_] - at_] +=
        (exception_high_bits_[next_exception_] << width_) * divisor_;
    ++next_exception_;
  }
}

std::size_t IntegerDecoder::next(std::int64_t* into) {
  auto* group = reinterpret_cast<std::uint64_t*>(into);
  const std::size_t size = std::min(kGroupValues, count_ - at_);
  if (size == 0) return 0;
  const std::uint64_t base = divisor_ == 1 ? base_ : 0;
  if (size == kGroupValues) {
    unpack_group(packed_.data(), width_, base, group);
    packed_ = packed_.subspan(kGroupValues / 8 * width_);
  } else {
    unpack_rest(packed_, size, width_, base, group);
  }
  if (divisor_ != 1) {
    for (std::size_t i = 0; i < size; ++i) group[i] = group[i] * divisor_ + base_;
  }
  patch(group, size);
  switch (transform_) {
    case Transform::None:
      break;
    case Transform::Delta: {
      std::uint64_t last = last_;
      if (at_ == 0) group[0] = first_;
      for (std::size_t i = 0; i < size; ++i) group[i] = last += group[i];
      last_ = last;
      break;
    }
    case Transform::DeltaOfDelta: {
      std::uint64_t last = last_;
      std::uint64_t last_delta = last_delta_;
      std::size_t i = 0;
      if (at_ == 0) {
        last = group[0] = first_;
        if (size > 1) last = group[1] = first_ + first_delta_;
        last_delta = first_delta_;
        i = std::min<std::size_t>(size, 2);
      }
      for (; i < size; ++i) {
        last_delta += group[i];
        last += last_delta;
        group[i] = last;
      }
      last_ = last;
      last_delta_ = last_delta;
      break;
    }
  }
  at_ += size;
  return size;
}

void IntegerDecoder::read_all(std::int64_t* into) {
  while (count_ - at_ >= kGroupValues) into += next(into);
  if (count_ != at_) next(into);
}

}  // namespace tickstone::storage
