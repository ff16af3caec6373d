// SPDX-License-Identifier: Apache-2.0
#include "client/error_code.hpp"

namespace tickstone::client {

ErrorCode error_code_of(std::string_view wanted) {
  constexpr auto last = static_cast<int>(ErrorCode::UnexpectedState);
  for (int i = 0; i <= last; ++i) {
    if (sqlstate(static_cast<ErrorCode>(i)) == wanted) return static_cast<ErrorCode>(i);
  }
  for (int i = 0; wanted.size() == 5 && i <= last; ++i) {
    if (sqlstate(static_cast<ErrorCode>(i)).substr(0, 2) == wanted.substr(0, 2))
      return static_cast<ErrorCode>(i);
  }
  return ErrorCode::InternalError;
}

}  // namespace tickstone::client
