// SPDX-License-Identifier: Apache-2.0
#include "base/thread_name.hpp"

#include <string>

#include <pthread.h>

namespace tickstone {

void set_thread_name(std::string_view name) {
  constexpr std::size_t kMaxBytes = 15;
  pthread_setname_np(pthread_self(), std::string(name.substr(0, kMaxBytes)).c_str());
}

}  // namespace tickstone
