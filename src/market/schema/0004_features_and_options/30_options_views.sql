-- SPDX-License-Identifier: Apache-2.0
SELECT add_continuous_aggregate_policy('options_flow_daily_summary',
    start_offset => INTERVAL '3 months',
    end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '1 hour',
    if_not_exists => TRUE);

-- Days on which calls clearly lead: at least ten calls for seven puts, by volume, more premium paid for calls than for puts, and no
-- bearish mean sentiment where there is one. docs/schema.md says why 0.7.
CREATE OR REPLACE VIEW bullish_options_sentiment AS
SELECT
    symbol,
    day,
    call_volume,
    put_volume,
    call_premium,
    put_premium,
    put_call_ratio,
    avg_implied_volatility,
    avg_sentiment
FROM
    options_flow_daily_summary
WHERE
    call_volume > 0
    AND coalesce(put_call_ratio, 0) <= 0.7
    AND coalesce(call_premium, 0) > coalesce(put_premium, 0)
    AND coalesce(avg_sentiment, 0) >= 0;
