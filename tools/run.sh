#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make run` does once the program is built: an embedded store with real daily bars of the S&P 500 and a small
# simulated market, an answer out of it, and the server on top of it until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."

store=${TICKSTONE_DATA:-data/demo}
port=${TICKSTONE_PORT:-5433}
sample=${TICKSTONE_DEPS:-.deps}/sample/sp500-2000.csv
tickstone=build/tickstone

# The store is filled under another name, so that one that was left half-way is never taken for a whole one.
if [ ! -d "$store" ]; then
  fresh=$store.partial
  rm -rf "$fresh"
  mkdir -p "$(dirname "$store")"
  echo "run: making $store"
  "$tickstone" init --data "$fresh"
  "$tickstone" query --data "$fresh" "
    CREATE TABLE sp500 (date DATE PRIMARY KEY, open DOUBLE PRECISION, high DOUBLE PRECISION, low DOUBLE PRECISION,
                        close DOUBLE PRECISION, adjclose DOUBLE PRECISION, volume BIGINT);"
  "$tickstone" import --data "$fresh" --table sp500 "$sample"
  "$tickstone" simulate --data "$fresh" --seed 1
  mv "$fresh" "$store"
fi

echo
echo "The best years of the S&P 500 in $store:"
"$tickstone" query --data "$store" "
  SELECT date_part('year', date)::int AS year, round((last(close, date) / first(open, date) - 1)::numeric * 100, 1) AS percent
  FROM sp500 GROUP BY 1 ORDER BY 2 DESC LIMIT 5;"

cat <<EOT

Serving $store on 127.0.0.1:$port, Ctrl-C stops. From another terminal (password postgres):

  psql -h 127.0.0.1 -p $port -U inavvi_user inavvi
  inavvi=> SELECT * FROM sp500 ORDER BY date DESC LIMIT 5;

EOT
exec "$tickstone" serve --data "$store" --listen 127.0.0.1 --port "$port"
