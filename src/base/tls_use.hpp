// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace tickstone {

/// How a client's connection is encrypted.
struct TlsUse {
  std::string version, cipher;  // empty: it is not
  int key_bits = 0;
  std::string client_name, client_serial, issuer_name;  // of the client's certificate, where it gave one
};

}  // namespace tickstone
