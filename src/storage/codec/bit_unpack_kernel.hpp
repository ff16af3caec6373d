// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "storage/codec/bit_packing.hpp"

namespace tickstone::storage::kernel {

using UnpackGroup = void (*)(const std::byte* packed, std::uint64_t base, std::uint64_t* into);

/// One unpacker for each width of 0 to 64 bits. `VectorBytes` is the width of the machine's vectors.
template <std::size_t VectorBytes>
class GroupUnpackers {
 public:
  static const std::array<UnpackGroup, 65>& table() {
    static constexpr std::array<UnpackGroup, 65> kTable = make_table(std::make_index_sequence<65>{});
    return kTable;
  }

 private:
  typedef std::uint64_t Lanes __attribute__((vector_size(VectorBytes)));
  static constexpr std::size_t kLanes = VectorBytes / sizeof(std::uint64_t);
  static constexpr std::size_t kValuesPerLane = kGroupValues / kGroupLanes;

  template <std::size_t... Widths>
  static constexpr std::array<UnpackGroup, 65> make_table(std::index_sequence<Widths...>) {
    return {&unpack<Widths>...};
  }

  __attribute__((always_inline)) static inline void load(Lanes& lanes, const std::byte* packed,
                                                         std::size_t word) {
    std::memcpy(&lanes, packed + word * sizeof(std::uint64_t), sizeof(lanes));
  }

  template <unsigned Width, std::size_t Slot>
  __attribute__((always_inline)) static inline void unpack_slot(const std::byte* packed, const Lanes& base,
                                                                std::uint64_t* into) {
    constexpr std::size_t kWord = Slot * Width / 64;
    constexpr unsigned kShift = Slot * Width % 64;
    Lanes value;
    load(value, packed, kWord * kGroupLanes);
    value >>= kShift;
    if constexpr (kShift + Width > 64) {
      Lanes high;
      load(high, packed, (kWord + 1) * kGroupLanes);
      value |= high << (64 - kShift);
    }
    if constexpr (kShift + Width != 64) value &= (std::uint64_t{1} << Width) - 1;
    value += base;
    std::memcpy(into + Slot * kGroupLanes, &value, sizeof(value));
  }

  template <unsigned Width, std::size_t... Slots>
  __attribute__((always_inline)) static inline void unpack_lanes(const std::byte* packed, const Lanes& base,
                                                                 std::uint64_t* into,
                                                                 std::index_sequence<Slots...>) {
    (unpack_slot<Width, Slots>(packed, base, into), ...);
  }

  template <unsigned Width>
  static void unpack(const std::byte* packed, std::uint64_t base, std::uint64_t* into) {
    if constexpr (Width == 0) {
      for (std::size_t i = 0; i < kGroupValues; ++i) into[i] = base;
    } else if constexpr (Width == 64) {
      std::memcpy(into, packed, kGroupValues * sizeof(std::uint64_t));
      for (std::size_t i = 0; i < kGroupValues; ++i) into[i] += base;
    } else {
      Lanes bases = {};
      bases += base;
      for (std::size_t lane = 0; lane < kGroupLanes; lane += kLanes) {
        unpack_lanes<Width>(packed + lane * sizeof(std::uint64_t), bases, into + lane,
                            std::make_index_sequence<kValuesPerLane>{});
      }
    }
  }
};

}  // namespace tickstone::storage::kernel
