# SPDX-License-Identifier: Apache-2.0
import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.automap import automap_base

from client_case import BARS, ClientCase

Base = orm.declarative_base()
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.timezone.utc)


class Strategy(Base):
    __tablename__ = "strategies"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), nullable=False, unique=True)
    started = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    settings = sa.Column(postgresql.JSONB)
    tags = sa.Column(postgresql.ARRAY(sa.Text))
    budget = sa.Column(sa.Numeric(18, 4))
    active = sa.Column(sa.Boolean, default=True)


class SqlAlchemy(ClientCase):
    def setUp(self):
        self.engine = sa.create_engine(self.url, future=True)
        self.addCleanup(self.engine.dispose)

    def test_the_schema_is_reflected(self):
        inspector = sa.inspect(self.engine)
        self.assertLessEqual({"ohlcv", "trades", "symbols", "feature_metadata", "positions", "options_flow"}, set(inspector.get_table_names()))
        self.assertIn("focus", inspector.get_view_names())
        self.assertIn("public", inspector.get_schema_names())
        self.assertEqual(inspector.default_schema_name, "public")
        key = inspector.get_pk_constraint("ohlcv")
        self.assertEqual((key["constrained_columns"], key["name"]), (["symbol", "timestamp", "timeframe"], "ohlcv_pkey"))
        columns = {column["name"]: column for column in inspector.get_columns("trades")}
        self.assertEqual(list(columns), ["symbol", "timestamp", "price", "size", "exchange", "conditions", "id", "source"])
        self.assertIsInstance(columns["timestamp"]["type"], postgresql.TIMESTAMP)
        self.assertTrue(columns["timestamp"]["type"].timezone)
        self.assertIsInstance(columns["price"]["type"], sa.Numeric)
        self.assertIsInstance(columns["conditions"]["type"], postgresql.ARRAY)
        self.assertIsInstance(columns["conditions"]["type"].item_type, sa.Text)
        self.assertIsInstance(columns["id"]["type"], sa.BigInteger)
        self.assertEqual([columns[name]["nullable"] for name in ("symbol", "exchange")], [False, True])
        symbols = {column["name"]: column for column in inspector.get_columns("symbols")}
        self.assertEqual((symbols["active"]["default"], symbols["last_updated"]["default"]), ("true", "now()"))
        self.assertIsInstance(symbols["metadata"]["type"], postgresql.JSONB)
        indexes = {index["name"]: index["column_names"] for index in inspector.get_indexes("ohlcv")}
        self.assertEqual(indexes["ohlcv_symbol_timeframe_idx"], ["symbol", "timeframe"])
        self.assertTrue(inspector.has_table("ohlcv"))
        self.assertFalse(inspector.has_table("nosuch"))
        self.assertIn("is_focus_ticker", inspector.get_view_definition("focus"))
        self.assertEqual(inspector.get_foreign_keys("positions"), [])

    def test_reflected_tables_answer_queries(self):
        metadata = sa.MetaData()
        metadata.reflect(self.engine)
        ohlcv = metadata.tables["ohlcv"]
        with self.engine.connect() as connection:
            query = (sa.select(ohlcv.c.symbol, sa.func.count().label("n"), sa.func.max(ohlcv.c.close))
                     .where(ohlcv.c.timestamp >= START, ohlcv.c.symbol.in_(["S0", "S1"])).group_by(ohlcv.c.symbol).order_by(ohlcv.c.symbol))
            self.assertEqual([tuple(row) for row in connection.execute(query)],
                             [("S0", 200, Decimal("160.2")), ("S1", 200, Decimal("160.3"))])
            bucket = sa.func.time_bucket("1 hour", ohlcv.c.timestamp).label("bucket")
            query = sa.select(bucket, sa.func.sum(ohlcv.c.volume)).group_by(bucket).order_by(bucket).limit(1)
            self.assertEqual(connection.execute(query).fetchone()[0], dt.datetime(2026, 1, 5, 14, 0, tzinfo=dt.timezone.utc))
            row_number = sa.func.row_number().over(partition_by=ohlcv.c.symbol, order_by=ohlcv.c.timestamp.desc()).label("r")
            newest = sa.select(ohlcv.c.symbol, ohlcv.c.close, row_number).subquery()
            self.assertEqual(len(connection.execute(sa.select(newest).where(newest.c.r == 1)).fetchall()), 3)

    def test_automap_makes_classes_of_tables(self):
        base = automap_base()
        base.prepare(autoload_with=self.engine)
        with orm.Session(self.engine) as session:
            found = session.query(base.classes.symbols).filter_by(symbol="S2").one()
            self.assertEqual((found.type, found.active, found.name), ("etf", True, None))
            self.assertEqual(session.get(base.classes.ohlcv, ("S0", START, "1m")).close, Decimal("100.5"))

    def test_orm_objects_are_made_found_changed_and_deleted(self):
        Base.metadata.create_all(self.engine)
        self.addCleanup(Base.metadata.drop_all, self.engine)
        with orm.Session(self.engine) as session:
            first = Strategy(name="momentum", settings={"window": [5, 20]}, tags=["a", "b"], budget=Decimal("1000.1234"))
            session.add_all([first, Strategy(name="reversal", active=False), Strategy(name="carry", budget=Decimal("5"))])
            session.flush()
            self.assertIsNotNone(first.id)
            self.assertIsNotNone(first.started.tzinfo)
            session.commit()
            self.assertEqual((first.settings, first.tags, first.budget), ({"window": [5, 20]}, ["a", "b"], Decimal("1000.1234")))
            names = session.execute(sa.select(Strategy.name).where(Strategy.settings["window"][0].as_integer() == 5)).scalars().all()
            self.assertEqual(names, ["momentum"])
            self.assertEqual(session.execute(sa.select(Strategy.name).where(Strategy.tags.any("b"))).scalars().all(), ["momentum"])
            first.budget = Decimal("7")
            session.delete(session.execute(sa.select(Strategy).filter_by(name="carry")).scalar_one())
            session.commit()
            with session.begin_nested():
                session.add(Strategy(name="later"))
            with self.assertRaises(sa.exc.IntegrityError) as caught:
                with session.begin_nested():
                    session.add(Strategy(name="momentum"))
                    session.flush()
            self.assertEqual(caught.exception.orig.pgcode, "23505")
            session.commit()
        with orm.Session(self.engine) as session:
            self.assertEqual(session.query(Strategy.name, Strategy.budget).order_by(Strategy.name).all(),
                             [("later", None), ("momentum", Decimal("7")), ("reversal", None)])
            self.assertEqual(session.query(sa.func.count(Strategy.id)).filter(Strategy.active.is_(True)).scalar(), 2)

    def test_upserts_and_returning(self):
        metadata = sa.MetaData()
        symbols = sa.Table("symbols", metadata, autoload_with=self.engine)
        statement = postgresql.insert(symbols).values([{"symbol": "S0", "name": "changed"}, {"symbol": "U1", "name": "new"}])
        statement = statement.on_conflict_do_update(index_elements=["symbol"], set_={"name": statement.excluded.name}).returning(
            symbols.c.symbol, symbols.c.name)
        with self.engine.connect() as connection:
            self.assertEqual(sorted(map(tuple, connection.execute(statement))), [("S0", "changed"), ("U1", "new")])
            self.assertEqual(connection.execute(sa.update(symbols).where(symbols.c.symbol == "U1").values(active=False)).rowcount, 1)
            connection.rollback()
            self.assertEqual(connection.execute(sa.select(symbols.c.name).where(symbols.c.symbol == "S0")).scalar(), "Alpha")

    def test_tables_are_made_and_dropped(self):
        metadata = sa.MetaData()
        sa.Table("made", metadata, sa.Column("a", sa.BigInteger, primary_key=True), sa.Column("b", sa.Float, index=True),
                 sa.Column("c", sa.LargeBinary), sa.Column("d", sa.Date), sa.Column("e", sa.Interval), sa.Column("f", sa.Time),
                 sa.Column("g", postgresql.UUID), sa.CheckConstraint("b > 0", name="positive"), schema=None)
        metadata.create_all(self.engine)
        metadata.create_all(self.engine)  # is there already
        inspector = sa.inspect(self.engine)
        self.assertEqual([index["name"] for index in inspector.get_indexes("made")], ["ix_made_b"])
        self.assertEqual([check["name"] for check in inspector.get_check_constraints("made")], ["positive"])
        metadata.drop_all(self.engine)
        self.assertFalse(sa.inspect(self.engine).has_table("made"))

    def test_results_come_in_parts(self):
        with self.engine.connect().execution_options(stream_results=True, max_row_buffer=50) as connection:
            result = connection.execute(sa.text("SELECT symbol, timestamp FROM ohlcv ORDER BY 2, 1"))
            self.assertEqual(sum(len(part) for part in result.partitions(70)), BARS)
