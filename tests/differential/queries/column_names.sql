SELECT 1, 'a', now() IS NOT NULL, count(*), max(id), coalesce(1, 2), CASE WHEN true THEN 1 END, id::text FROM kinds GROUP BY id::text ORDER BY 8 LIMIT 1;
SELECT upper('a'), ARRAY[1], (SELECT 5 AS five), EXISTS (SELECT 1), 1::int, '1'::int, int '5', interval '1 day', NULL, true;
SELECT extract(year FROM date '2025-01-01'), current_date IS NOT NULL, position('b' IN 'abc'), substring('abc' FROM 2), trim(' a '), overlay('abc' PLACING 'x' FROM 2);
SELECT (ARRAY[1, 2])[1], row(1, 2), -1, NOT true, 1 + 1, 'a' || 'b', nullif(1, 2), greatest(1, 2);
SELECT "ID" FROM (SELECT 1 AS "ID") x;
SELECT k.id AS "Mixed Case", k.label label FROM kinds k WHERE id = 1;
