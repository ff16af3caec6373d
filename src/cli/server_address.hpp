// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone::cli {

/// What libpq takes, of a URL, of libpq's own `host=... dbname=...`, or of the short form
/// `localhost:5433/inavvi?user=inavvi_user&password=postgres`, which leaves out what is usual: port 5433, the
/// user inavvi_user, and on this machine a new store's password. Errors: InvalidParameterValue.
std::string server_address_of(std::string_view given);

/// Where tools look when nothing is named: TICKSTONE_URL, else inavvi on localhost:5433.
std::string default_server_address();

}  // namespace tickstone::cli
