// SPDX-License-Identifier: Apache-2.0
// What programs in Node.js do with pg, pg-cursor and pg-copy-streams. Argument: the address of a database with the tables of schema.sql.
'use strict';
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const test = require('node:test');
const { Client, Pool, types } = require('pg');
const Cursor = require('pg-cursor');
const { from: copyFrom, to: copyTo } = require('pg-copy-streams');

const connectionString = process.env.TICKSTONE_TEST_URL;
const START = new Date('2026-01-05T14:30:00Z');
let client;

async function connect(options, change = {}) {
  const url = new URL(connectionString);
  Object.assign(url, change);
  const one = new Client({ connectionString: url.href, ...options });
  await one.connect();
  return one;
}

async function refused(promise, code) {
  let caught;
  await promise.catch((error) => { caught = error; });
  assert.ok(caught, 'no error');
  assert.equal(caught.code, code, caught.message);
  return caught;
}

test.before(async () => { client = await connect(); });
test.after(async () => { await client.end(); });

test('values come as their types', async () => {
  const { rows, fields } = await client.query(`SELECT 1::smallint AS s, 2 AS i, 3::bigint AS b, 1.50::numeric(10,2) AS n, 0.5::real AS r, 1.5e-300::float8 AS d,
    true AS t, 'tëxt' AS x, '2026-01-05 14:30:00.123+00'::timestamptz AS z, '1999-12-31'::date AS day, '{"a": [1, null]}'::jsonb AS j, '[1]'::json AS k,
    ARRAY[1, NULL, 3] AS ai, ARRAY['a', 'b c', NULL, '"'] AS at, ARRAY[1.5, 2.25] AS an, '\\x0001ff'::bytea AS y, NULL::int AS nothing,
    INTERVAL '1 day 02:03:04.5' AS v, '00000000-0000-0000-0000-000000000007'::uuid AS u, ARRAY['2026-01-05 14:30:00+00'::timestamptz] AS az, ARRAY[true, false] AS ab`);
  const row = rows[0];
  assert.deepEqual([row.s, row.i, row.b, Number(row.n), row.r, row.d, row.t, row.x], [1, 2, '3', 1.5, 0.5, 1.5e-300, true, 'tëxt']);
  assert.equal(row.z.toISOString(), '2026-01-05T14:30:00.123Z');
  assert.deepEqual([row.day.getFullYear(), row.day.getMonth(), row.day.getDate()], [1999, 11, 31]);
  assert.deepEqual([row.j, row.k, row.ai, row.at, row.an, row.ab], [{ a: [1, null] }, [1], [1, null, 3], ['a', 'b c', null, '"'], [1.5, 2.25], [true, false]]);
  assert.deepEqual([...row.y], [0, 1, 255]);
  assert.equal(row.nothing, null);
  assert.deepEqual({ ...row.v }, { days: 1, hours: 2, minutes: 3, seconds: 4, milliseconds: 500 });
  assert.equal(row.u, '00000000-0000-0000-0000-000000000007');
  assert.equal(row.az[0].getTime(), START.getTime());
  assert.deepEqual(fields.map((field) => field.dataTypeID),
    [21, 23, 20, 1700, 700, 701, 16, 25, 1184, 1082, 3802, 114, 1007, 1009, 1231, 17, 23, 1186, 2950, 1185, 1000]);
  assert.deepEqual(fields.slice(0, 5).map((field) => [field.dataTypeSize, field.dataTypeModifier, field.format]),
    [[2, -1, 'text'], [4, -1, 'text'], [8, -1, 'text'], [-1, (10 << 16) + 2 + 4, 'text'], [4, -1, 'text']]);
});

test('columns of tables are named with their table', async () => {
  const { fields } = await client.query('SELECT close, symbol, 1 AS one FROM ohlcv LIMIT 1');
  const { rows } = await client.query("SELECT 'ohlcv'::regclass::oid::int AS id");
  assert.deepEqual(fields.map((field) => [field.tableID, field.columnID]), [[rows[0].id, 6], [rows[0].id, 1], [0, 0]]);
});

test('parameters of every kind', async () => {
  const given = [12, '9007199254740993', 1.25, true, 'it\'s "x" \\ 日本', START, { a: [1, null] }, ['a', null, 'b"c'], Buffer.from([0, 1, 255]), null, [1, 2]];
  const { rows } = await client.query({
    text: `SELECT $1::int, $2::bigint, $3::numeric, $4::boolean, $5::text, $6::timestamptz, $7::jsonb, $8::text[], $9::bytea, $10::text, $11::int[]`,
    values: given, rowMode: 'array' });
  assert.deepEqual([rows[0][0], rows[0][1], Number(rows[0][2]), ...rows[0].slice(3, 5), rows[0][5].getTime(), ...rows[0].slice(6, 8), [...rows[0][8]], rows[0][9], rows[0][10]],
    [12, '9007199254740993', 1.25, true, given[4], START.getTime(), given[6], given[7], [0, 1, 255], null, [1, 2]]);
  // Types are found where no cast says them.
  const bars = await client.query('SELECT count(*)::int AS n FROM ohlcv WHERE symbol = ANY($1) AND timestamp >= $2 AND close > $3', [['S0', 'S1'], START, 100]);
  assert.equal(bars.rows[0].n, 400);
});

test('rows are written and returned', async () => {
  await client.query('BEGIN');
  const made = await client.query('INSERT INTO trades (symbol, timestamp, price, size, conditions, id, source) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *',
    ['N', START, '1.25', 7, ['a', 'b'], '9007199254740993', 'node']);
  assert.deepEqual([made.command, made.rowCount, made.rows[0].id, made.rows[0].conditions], ['INSERT', 1, '9007199254740993', ['a', 'b']]);
  const upsert = `INSERT INTO symbols (symbol, name, metadata) VALUES ($1, $2, $3) ON CONFLICT (symbol) DO UPDATE SET name = EXCLUDED.name RETURNING name`;
  assert.deepEqual((await client.query(upsert, ['S0', 'changed', { b: 1 }])).rows, [{ name: 'changed' }]);
  const changed = await client.query('UPDATE ohlcv SET volume = volume + $1 WHERE symbol = $2', [1, 'S1']);
  assert.deepEqual([changed.command, changed.rowCount], ['UPDATE', 200]);
  await client.query('ROLLBACK');
  assert.equal((await client.query("SELECT name FROM symbols WHERE symbol = 'S0'")).rows[0].name, 'Alpha');
});

test('a named statement is prepared once', async () => {
  const statement = { name: 'bars of a symbol', text: 'SELECT count(*)::int AS n FROM ohlcv WHERE symbol = $1' };
  for (const symbol of ['S0', 'S1', 'none']) {
    const { rows } = await client.query({ ...statement, values: [symbol] });
    assert.equal(rows[0].n, symbol === 'none' ? 0 : 200);
  }
  const { rows } = await client.query('SELECT name, statement, parameter_types::oid[]::text AS types, from_sql FROM pg_prepared_statements');
  assert.deepEqual(rows, [{ name: statement.name, statement: statement.text, types: '{25}', from_sql: false }]);
  await assert.rejects(client.query({ ...statement, text: 'SELECT 1' }), /Prepared statements must be unique/);
});

test('results in binary', async () => {
  const { rows, fields } = await client.query({ text: 'SELECT $1::int AS i, $2::text AS t, $3::int[] AS a, true AS b', values: [7, 'x', [1, 2]], binary: true });
  assert.deepEqual(rows[0], { i: 7, t: 'x', a: [1, 2], b: true });
  assert.ok(fields.every((field) => field.format === 'binary'));
});

test('several statements in one', async () => {
  const results = await client.query("SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; CREATE TEMPORARY TABLE several (a int); INSERT INTO several VALUES (1), (2); SELECT * FROM several");
  assert.deepEqual(results.map((one) => [one.command, one.rowCount]), [['SELECT', 1], ['SELECT', 1], ['CREATE', null], ['INSERT', 2], ['SELECT', 2]]);
  assert.deepEqual(results[4].rows, [{ a: 1 }, { a: 2 }]);
  assert.equal((await client.query('')).command, null);
});

test('many queries queued at once', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, (_, n) => client.query('SELECT $1::int + 1 AS n', [n])));
  assert.deepEqual(all.map((one) => one.rows[0].n), Array.from({ length: 100 }, (_, n) => n + 1));
});

test('cursors read in parts', async () => {
  const cursor = client.query(new Cursor('SELECT symbol, close FROM ohlcv WHERE symbol <> $1 ORDER BY timestamp, symbol', ['none']));
  assert.deepEqual((await cursor.read(2)).map((row) => row.symbol), ['S0', 'S1']);
  assert.equal((await cursor.read(500)).length, 500);
  assert.equal((await cursor.read(500)).length, 98);
  assert.equal((await cursor.read(500)).length, 0);
  await cursor.close();
  const another = client.query(new Cursor('SELECT generate_series(1, 1000000)'));
  assert.equal((await another.read(10)).length, 10);
  await another.close();
  assert.equal((await client.query('SELECT 1 AS a')).rows[0].a, 1);
});

test('COPY both ways', async () => {
  await client.query('CREATE TEMPORARY TABLE copied (LIKE ohlcv)');
  const chunks = [];
  const out = client.query(copyTo('COPY ohlcv TO STDOUT'));
  for await (const chunk of out) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString().split('\n').length, 601);
  const into = client.query(copyFrom('COPY copied FROM STDIN'));
  await pipeline(Readable.from(chunks), into);
  assert.equal(into.rowCount, 600);
  const { rows } = await client.query('SELECT count(*)::int AS n FROM (TABLE copied EXCEPT TABLE ohlcv) AS d');
  assert.equal(rows[0].n, 0);
  const broken = client.query(copyFrom('COPY copied (symbol) FROM STDIN'));
  await refused(pipeline(Readable.from([Buffer.from('a\tb\n')]), broken), '22P04');
  assert.equal((await client.query('SELECT 1 AS a')).rows[0].a, 1);
});

test('notifications', async () => {
  const listener = await connect();
  await listener.query('LISTEN node; LISTEN "Odd name"');
  const first = once(listener, 'notification');
  await client.query("NOTIFY node, 'one'");
  const [heard] = await first;
  assert.deepEqual([heard.channel, heard.payload, heard.processId], ['node', 'one', client.processID]);
  const second = once(listener, 'notification');
  await client.query('SELECT pg_notify($1, $2)', ['Odd name', 'tëxt']);
  assert.deepEqual((await second).map((one) => [one.channel, one.payload]), [['Odd name', 'tëxt']]);
  await listener.end();
});

test('notices', async () => {
  const noticed = once(client, 'notice');
  await client.query('DROP TABLE IF EXISTS nosuch');
  const [notice] = await noticed;
  assert.deepEqual([notice.message, notice.severity, notice.code], ['table "nosuch" does not exist, skipping', 'NOTICE', '00000']);
});

test('errors say what they are about', async () => {
  const duplicate = await refused(client.query("INSERT INTO symbols (symbol) VALUES ('S0')"), '23505');
  assert.deepEqual([duplicate.constraint, duplicate.table, duplicate.schema, duplicate.detail, duplicate.severity],
    ['symbols_pkey', 'symbols', 'public', 'Key (symbol)=(S0) already exists.', 'ERROR']);
  assert.equal((await refused(client.query('SELECT nosuch FROM symbols'), '42703')).position, '8');
  const missing = await refused(client.query("INSERT INTO trades (symbol) VALUES ($1)", ['x']), '23502');
  assert.equal(missing.column, 'timestamp');
  await refused(client.query('SELECT $1::int', ['x']), '22P02');
  await refused(client.query('SELECT 1 WHERE $1', [1, 2]), '08P01');
  await refused(client.query('SELECT 1/0'), '22012');
  await client.query('BEGIN');
  await refused(client.query('SELECT * FROM nosuch'), '42P01');
  await refused(client.query('SELECT 1'), '25P02');
  await client.query('ROLLBACK');
  await refused(connect({}, { password: 'wrong' }), '28P01');
  await refused(connect({}, { pathname: '/nosuch' }), '3D000');
});

test('a pool of connections', async () => {
  const pool = new Pool({ connectionString, max: 5, application_name: 'pooled' });
  const all = await Promise.all(Array.from({ length: 60 }, (_, n) => pool.query('SELECT count(*)::int AS n, pg_backend_pid() AS pid FROM ohlcv WHERE symbol = $1', [`S${n % 3}`])));
  assert.ok(all.every((one) => one.rows[0].n === 200));
  assert.ok(new Set(all.map((one) => one.rows[0].pid)).size <= 5);
  const { rows } = await pool.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pooled'");
  assert.ok(rows[0].n >= 1 && rows[0].n <= 5, `${rows[0].n} connections`);
  const lent = await pool.connect();
  await lent.query('BEGIN');
  await lent.query("INSERT INTO symbols (symbol) VALUES ('POOL')");
  assert.equal((await pool.query("SELECT count(*)::int AS n FROM symbols WHERE symbol = 'POOL'")).rows[0].n, 0);
  await lent.query('ROLLBACK');
  lent.release();
  await pool.end();
});

test('a statement takes no longer than it may', async () => {
  const one = await connect({ statement_timeout: 200 });
  await refused(one.query('SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b'), '57014');
  await one.end();
});

test('a session that is ended is told so', async () => {
  const one = await connect();
  const ended = once(one, 'error');
  one.on('error', () => {});  // another says that the connection is gone
  await client.query('SELECT pg_terminate_backend($1)', [one.processID]);
  assert.equal((await ended)[0].code, '57P01');
});

test('a program\'s own types', async () => {
  const numbers = { getTypeParser: (oid, format) => (oid === types.builtins.NUMERIC || oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)) };
  const { rows } = await client.query({ text: 'SELECT sum(close) AS total, count(*) AS n FROM ohlcv', types: numbers });
  assert.deepEqual(rows[0], { total: 78270, n: 600 });
});
