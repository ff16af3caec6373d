CREATE TABLE ct (id int, price numeric, label text, at timestamptz, tags text[]);
COPY ct FROM STDIN <<< 1\t1.5\tplain\t2025-01-01 00:00:00+00\t{a,b}\n2\t\\N\t\\N\t\\N\t\\N\n
COPY ct (id, label) FROM STDIN <<< 3\ttab\\there\n4\tback\\\\slash\n5\tline\\nbreak\n6\t\n\\.\n
SELECT * FROM ct ORDER BY id;
COPY ct TO STDOUT;
COPY (SELECT id, label FROM ct ORDER BY id) TO STDOUT;
COPY (SELECT id, price, label, at, tags FROM ct ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT id, label FROM ct ORDER BY id) TO STDOUT WITH (FORMAT csv, DELIMITER ';', NULL 'none', FORCE_QUOTE (label));
COPY (SELECT id, label FROM ct ORDER BY id) TO STDOUT WITH (DELIMITER '|', NULL '-');
COPY (SELECT label, id FROM ct WHERE id > 3 ORDER BY id) TO STDOUT CSV QUOTE '''' ESCAPE '\' FORCE QUOTE *;
COPY ct FROM STDIN WITH (FORMAT csv) <<< 10,2.5,"quoted, with ""marks""",2025-01-01,"{x,""y z""}"\n11,,,,\n12,1,"",,{}\n
COPY ct FROM STDIN WITH (FORMAT csv, HEADER, NULL 'NA') <<< id,price,label,at,tags\n13,NA,NA,NA,NA\n
COPY ct FROM STDIN WITH (FORMAT csv, HEADER MATCH) <<< id,price,label,at,wrong\n13,1,a,,\n
COPY ct (id, label) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (label)) <<< 14,\n
COPY ct (id, label) FROM STDIN WITH (FORMAT csv, FORCE_NULL (label)) <<< 15,""\n
COPY ct (id, label) FROM STDIN WITH (FORMAT csv, QUOTE '''', ESCAPE '\', DELIMITER '|') <<< 16|'it\\'s|fine'\n
SELECT id, price, label, label IS NULL AS missing, tags FROM ct WHERE id >= 10 ORDER BY id;
COPY ct FROM STDIN <<< x\t1\ta\t\\N\t\\N\n
COPY ct FROM STDIN <<< 1\t1\n
COPY ct FROM STDIN <<< 1\t1\ta\t\\N\t\\N\textra\n
COPY ct FROM STDIN WITH (FORMAT csv) <<< 1,"unterminated
COPY ct FROM STDIN <<< 20\t1\ta\t2025-13-01\t\\N\n
COPY ct FROM STDIN <<< 20\t1\ta\t\\N\t{a\n
COPY ct (id, nosuch) FROM STDIN;
COPY ct (id, id) FROM STDIN;
COPY nosuch FROM STDIN;
COPY ct FROM STDIN WITH (FORMAT nosuch);
COPY ct FROM STDIN WITH (DELIMITER 'ab');
COPY ct FROM STDIN WITH (QUOTE 'x');
COPY ct TO STDOUT WITH (nosuch true);
COPY ct FROM STDIN WHERE id > 30 <<< 30\t1\ta\t\\N\t\\N\n31\t1\tb\t\\N\t\\N\n
SELECT id FROM ct WHERE id >= 30 ORDER BY id;
COPY (INSERT INTO ct (id) VALUES (40) RETURNING id) TO STDOUT;
COPY (SELECT * FROM nosuch) TO STDOUT;
COPY (SELECT E'a\tb', E'c\\d', E'e\nf', NULL, '') TO STDOUT;
COPY (SELECT 'a"b', 'c,d', E'e\nf', NULL, '', ' g ') TO STDOUT CSV;
COPY (SELECT '\x00ff'::bytea, true, 1.5::float8, '{"a": 1}'::jsonb, interval '1 day') TO STDOUT;
COPY (SELECT 1 AS a, 2 AS "B c") TO STDOUT CSV HEADER;
COPY (SELECT WHERE false) TO STDOUT;
BEGIN;
COPY ct (id) FROM STDIN <<< 50\n51\n
ROLLBACK;
SELECT count(*) FROM ct WHERE id >= 50;
CREATE TABLE ck (id int PRIMARY KEY, v int CHECK (v > 0), d int DEFAULT 7);
COPY ck (id, v) FROM STDIN <<< 1\t1\n2\t2\n
COPY ck (id, v) FROM STDIN <<< 3\t3\n1\t1\n
COPY ck (id, v) FROM STDIN <<< 4\t-1\n
COPY ck (v) FROM STDIN <<< 4\n
COPY ck FROM STDIN WITH (FORMAT csv, FORCE_QUOTE (v));
SELECT * FROM ck ORDER BY id;
COPY ck TO STDOUT (FORMAT csv, HEADER true, DELIMITER E'\t');
DROP TABLE ct, ck;
