-- SPDX-License-Identifier: Apache-2.0
CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE;
