// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace tickstone::cli {

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
/// Of standard output; COLUMNS and LINES where it is none.
TerminalSize terminal_size();
/// Standard output is a terminal, NO_COLOR is not set and TERM is not dumb.
bool shows_colors();
/// The locale's characters are not UTF-8.
bool is_ascii_only();
/// To standard output, through $PAGER (else less) where it is a terminal that is too small for it.
void page(const std::string& text);

}  // namespace tickstone::cli
