// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checks of our own mistakes, never of input: a failed check prints where and aborts.

namespace tickstone {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

#define TICKSTONE_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::tickstone::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define TICKSTONE_DCHECK(condition) void(0)
#else
#define TICKSTONE_DCHECK(condition) TICKSTONE_CHECK(condition)
#endif
