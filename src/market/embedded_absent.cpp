// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "market/connection.hpp"

namespace tickstone::market {

std::shared_ptr<ConnectionSource> open_embedded_source(const std::string& directory,
                                                       const ManagerOptions& /*options*/) {
  throw Error(ErrorCode::FeatureNotSupported, "this build has no embedded store", {},
              "Name a server instead of the directory \"" + directory + "\".");
}

}  // namespace tickstone::market
