# SPDX-License-Identifier: Apache-2.0
"""Enums as SQLAlchemy makes, uses and reflects them."""
import enum

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from client_case import ClientCase

Base = orm.declarative_base()


class Way(enum.Enum):
    sell = 1
    buy = 2


class Order(Base):
    __tablename__ = "typed_orders"
    id = sa.Column(sa.Integer, primary_key=True)
    way = sa.Column(sa.Enum(Way, name="order_way"), nullable=False)
    state = sa.Column(sa.Enum("new", "done", name="order_state"), server_default="new")


class UserTypes(ClientCase):
    def setUp(self):
        self.engine = sa.create_engine(self.url, future=True)
        self.addCleanup(self.engine.dispose)
        Base.metadata.create_all(self.engine)
        self.addCleanup(Base.metadata.drop_all, self.engine)

    def test_rows_go_both_ways(self):
        with orm.Session(self.engine) as session:
            session.add_all([Order(id=1, way=Way.buy), Order(id=2, way=Way.sell, state="done")])
            session.commit()
            found = session.scalars(sa.select(Order).order_by(Order.way)).all()
            self.assertEqual([(order.id, order.way, order.state) for order in found], [(2, Way.sell, "done"), (1, Way.buy, "new")])
            self.assertEqual(session.scalars(sa.select(Order.id).where(Order.way == Way.buy)).all(), [1])
            self.assertEqual(session.scalars(sa.select(Order.id).where(Order.way.in_([Way.buy, Way.sell]))).all(), [1, 2])
            found[1].way = Way.sell
            session.commit()
            self.assertEqual(self.rows("SELECT count(*) FROM typed_orders WHERE way = 'sell'"), [(2,)])

    def test_types_are_reflected(self):
        inspector = sa.inspect(self.engine)
        self.assertEqual([(one["name"], one["labels"]) for one in inspector.get_enums()],
                         [("order_state", ["new", "done"]), ("order_way", ["sell", "buy"])])
        columns = {column["name"]: column for column in inspector.get_columns("typed_orders")}
        self.assertIsInstance(columns["way"]["type"], postgresql.ENUM)
        self.assertEqual(columns["way"]["type"].enums, ["sell", "buy"])
        self.assertEqual(columns["state"]["default"], "'new'::order_state")

    def test_creating_again_finds_them(self):
        Base.metadata.create_all(self.engine)
        Base.metadata.drop_all(self.engine)
        self.assertEqual(sa.inspect(self.engine).get_enums(), [])
        Base.metadata.create_all(self.engine)
