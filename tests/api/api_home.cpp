// SPDX-License-Identifier: Apache-2.0
#include "api_home.hpp"

#include <cstdlib>
#include <stdexcept>

namespace tickstone {

DatabaseManager& test_manager() {
  static DatabaseManager manager([] {
    const char* address = std::getenv("TICKSTONE_TEST_ADDRESS");
    if (address == nullptr)
      throw std::runtime_error("TICKSTONE_TEST_ADDRESS is not set: run tests/api/run.sh");
    return std::string(address);
  }());
  return manager;
}

}  // namespace tickstone
