// SPDX-License-Identifier: Apache-2.0
#include "types/letter_case.hpp"

#include <gtest/gtest.h>

namespace tickstone {
namespace {

TEST(LetterCase, OneCharacterComesOfOne) {
  EXPECT_EQ(in_upper_case("straße é Ǆ 1a"), "STRAßE É Ǆ 1A");
  EXPECT_EQ(in_lower_case("ÀÉ ÑZ İ"), "àé ñz i");
  EXPECT_EQ(in_upper_case(""), "");
}

TEST(LetterCase, InitialsOfWords) {
  EXPECT_EQ(with_initials("élan vITAL o'neil a_b 1st 日本x"), "Élan Vital O'Neil A_B 1st 日本x");
}

}  // namespace
}  // namespace tickstone
