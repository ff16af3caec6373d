-- SPDX-License-Identifier: Apache-2.0
-- Options flow by underlying symbol and day. A day without calls has no put/call ratio.
CREATE MATERIALIZED VIEW IF NOT EXISTS options_flow_daily_summary
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    symbol,
    time_bucket('1 day', timestamp) AS day,
    sum(volume) FILTER (WHERE lower(option_type) IN ('call', 'c')) AS call_volume,
    sum(volume) FILTER (WHERE lower(option_type) IN ('put', 'p')) AS put_volume,
    sum(premium) FILTER (WHERE lower(option_type) IN ('call', 'c')) AS call_premium,
    sum(premium) FILTER (WHERE lower(option_type) IN ('put', 'p')) AS put_premium,
    sum(volume) FILTER (WHERE lower(option_type) IN ('put', 'p'))
        / nullif(sum(volume) FILTER (WHERE lower(option_type) IN ('call', 'c')), 0) AS put_call_ratio,
    avg(implied_volatility) AS avg_implied_volatility,
    avg(sentiment_score) AS avg_sentiment,
    count(*) AS trade_count
FROM
    options_flow
GROUP BY
    symbol, day
WITH NO DATA;
