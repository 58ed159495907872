"""Sixty queries that a model could write to take a machine's time, memory or disk, all of them a single SELECT of the shop."""

_BIG = "printf('%.*c',990000,'a')"
_LONG = "printf('%.*c',99000,'a')"
_ALL = "orders_enriched"
_WIDE = ", ".join(f"{_LONG} AS c{i}" for i in range(60))


def _across(*, tables: int, what: str = "COUNT(*)", where: str = "1") -> str:
    names = ", ".join(f"{_ALL} t{i}" for i in range(tables))
    return f"SELECT {what} FROM {names} WHERE {where}"


QUERIES = (
    # one call that is busy for long: nothing inside the process can interrupt it
    *(f"SELECT instr({text}, {text} || 'b') FROM {_ALL}" for text in (_BIG, _LONG)),
    f"SELECT instr({_LONG}, printf('%.*c',49000,'a') || 'b') FROM {_ALL}",
    f"SELECT SUM(instr({_LONG}, printf('%.*c',49000,'a') || 'b')) FROM {_ALL}",
    *(f"SELECT {name}({_BIG}, {_BIG} || 'b') FROM {_ALL}" for name in ("trim", "ltrim", "rtrim")),
    *(f"SELECT {name}({_LONG}, printf('%.*c',49000,'b') || 'a') FROM {_ALL}" for name in ("trim", "ltrim", "rtrim")),
    f"SELECT length(replace({_BIG}, 'a', 'bb')) FROM {_ALL}",
    f"SELECT length(replace({_LONG}, 'aa', 'b')) FROM {_ALL}",
    f"SELECT length(replace({_LONG}, printf('%.*c',49000,'a') || 'b', '')) FROM {_ALL}",
    f"SELECT length(replace(replace({_LONG}, 'a', 'ab'), 'b', '')) FROM {_ALL}",
    f"SELECT {_LONG} LIKE '" + "%a" * 400 + f"b' FROM {_ALL}",
    f"SELECT {_LONG} GLOB '" + "*a" * 400 + f"b' FROM {_ALL}",
    f"SELECT {_LONG} LIKE '" + "%_" * 400 + f"b' FROM {_ALL}",
    f"SELECT printf('%.*f', 90000, price) FROM {_ALL}",
    f"SELECT printf('%099000d', 1), printf('%-99000s', product) FROM {_ALL}",
    f"SELECT upper(lower(upper(lower({_LONG})))) FROM {_ALL}",
    f"SELECT max(abs(instr({_LONG}, printf('%.*c',50000,'a') || product))) FROM {_ALL}",
    f"SELECT {_BIG} LIKE '%a%a%a%a%b' FROM {_ALL}",
    # memory
    f"SELECT total(length(printf('%.*c', 99000, product))) OVER (ORDER BY a.price) FROM {_ALL} a, {_ALL} b",
    f"WITH w AS (SELECT {_BIG} AS a, {_BIG} AS b, {_BIG} AS c FROM {_ALL}) SELECT * FROM w ORDER BY 1",
    f"WITH w AS (SELECT {_WIDE} FROM {_ALL}) SELECT * FROM w ORDER BY c0, c1",
    f"WITH w AS MATERIALIZED (SELECT {_WIDE} FROM {_ALL}) SELECT COUNT(*) FROM w a, w b WHERE a.c0 = b.c0",
    f"SELECT {_BIG} FROM {_ALL} LIMIT 200",
    f"SELECT {_LONG}, {_LONG}, {_LONG}, {_LONG}, {_LONG} FROM {_ALL} LIMIT 200",
    f"SELECT {_WIDE} FROM {_ALL} LIMIT 200",
    f"SELECT group_concat({_LONG}) FROM {_ALL}",
    f"SELECT group_concat(review_text || product || order_id, {_LONG}) FROM {_ALL}",
    f"SELECT DISTINCT {_LONG} || order_id FROM {_ALL} a ORDER BY 1 DESC",
    f"SELECT a.order_id || b.order_id || c.product AS k FROM {_ALL} a, {_ALL} b, {_ALL} c ORDER BY k DESC",
    f"SELECT a.order_id || b.order_id AS k, COUNT(*) FROM {_ALL} a, {_ALL} b GROUP BY k HAVING COUNT(*) > 9",
    f"SELECT DISTINCT a.order_id || b.order_id FROM {_ALL} a, {_ALL} b ORDER BY 1",
    f"SELECT row_number() OVER (ORDER BY a.price * b.price) FROM {_ALL} a, {_ALL} b",
    f"SELECT group_concat(a.product) OVER (ORDER BY a.price, b.price) FROM {_ALL} a, {_ALL} b",
    f"SELECT lag({_LONG}, 5) OVER (ORDER BY price) FROM {_ALL}",
    f"SELECT first_value({_LONG} || order_id) OVER (PARTITION BY product ORDER BY price) FROM {_ALL}",
    f"SELECT a.* FROM {_ALL} a, {_ALL} b UNION SELECT c.* FROM {_ALL} c, {_ALL} d ORDER BY 1",
    f"SELECT a.price FROM {_ALL} a, {_ALL} b EXCEPT SELECT c.freight FROM {_ALL} c, {_ALL} d",
    f"SELECT a.price + b.price FROM {_ALL} a, {_ALL} b INTERSECT SELECT c.price FROM {_ALL} c",
    f"SELECT max(length({_BIG} || {_BIG} || {_BIG} || {_BIG})) FROM {_ALL}",
    # rows upon rows
    *(_across(tables=n) for n in (3, 5, 9)),
    _across(tables=3, what="SUM(t0.price * t1.price * t2.price)"),
    _across(tables=3, where="t0.price + t1.price + t2.price < 0"),
    _across(tables=3, where="t0.review_text LIKE '%' || t1.product || '%' || t2.product || '%z'"),
    _across(tables=4, what="MAX(instr(t0.review_text, t1.product) + t2.price - t3.price)"),
    f"SELECT COUNT(*) FROM {_ALL} a WHERE price > (SELECT AVG(b.price + a.price) FROM {_ALL} b, {_ALL} c)",
    f"SELECT (SELECT COUNT(*) FROM {_ALL} b, {_ALL} c WHERE b.price < a.price) FROM {_ALL} a ORDER BY 1",
    "WITH " + ", ".join(f"c{i + 1} AS (SELECT a.* FROM c{i} a, c{i} b)" for i in range(8)).replace("c0", _ALL)
    + " SELECT COUNT(*) FROM c8",
    # the parser
    "SELECT * FROM orders " + "JOIN orders " * 400,
    "SELECT * FROM orders " + "LEFT JOIN orders " * 280,
    "SELECT * FROM orders " + "NATURAL JOIN orders " * 240,
    "SELECT " + "(" * 1200 + "1" + ")" * 1200 + " FROM orders",
    "SELECT " + "CASE WHEN 1 THEN 1 ELSE " * 100 + "1" + " END" * 100 + " FROM orders",
    "SELECT 1 WHERE " + "1 IN (" * 300 + "1" + ")" * 300,
    "WITH a AS (" * 100 + "SELECT 1" + ") SELECT 1" * 100,
)  # fmt: skip
