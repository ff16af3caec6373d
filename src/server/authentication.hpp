// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/hba_rules.hpp"
#include "server/login.hpp"

namespace tickstone::server {

/// Has the client prove who it is, as the rules say: password, certificate, or what runs it.
///
/// False when it went away in the middle. Errors, all damaging the session: InvalidPassword,
/// InvalidAuthorization, ProtocolViolation.
bool authenticate(ClientChannel& channel, const HbaConnection& who, const LoginContext& context);

}  // namespace tickstone::server
