// SPDX-License-Identifier: Apache-2.0

import java.io.StringReader;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postgresql.PGConnection;
import org.postgresql.PGResultSetMetaData;

/** Steps of a Java program in one mode of the driver; each that fails is told. Arguments: URL, preferQueryMode. */
public class JdbcCheck {
  interface Step {
    void run() throws Exception;
  }

  static int failed = 0;
  static Connection connection;

  static void step(String name, Step step) throws SQLException {
    try {
      step.run();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError error) {
      ++failed;
      System.out.println("FAILED " + name + ": " + error);
    }
    if (!connection.getAutoCommit()) {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  static void same(Object expected, Object got) {
    if (!Objects.equals(expected, got)) throw new AssertionError("expected " + expected + ", got " + got);
  }

  static void holds(boolean condition, Object what) {
    if (!condition) throw new AssertionError(what);
  }

  static void types() throws Exception {
    String sql = "SELECT ?::numeric, ?::bigint, ?::text, ?::boolean, ?::timestamptz, ?::double precision, ?::int[], ?::date, ?::bytea";
    Instant moment = Instant.parse("2026-01-05T14:30:00.123456Z");
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setBigDecimal(1, new BigDecimal("1234567890123.4567"));
      statement.setLong(2, 1L << 40);
      statement.setString(3, "tëxt '\" 日本");
      statement.setBoolean(4, true);
      statement.setTimestamp(5, Timestamp.from(moment));
      statement.setDouble(6, 1.5e-300);
      statement.setArray(7, connection.createArrayOf("int4", new Integer[] {1, null, 3}));
      statement.setObject(8, LocalDate.of(1999, 12, 31));
      statement.setBytes(9, new byte[] {0, 1, -1});
      // From the fifth time on the driver prepares it on the server and takes values in binary.
      for (int i = 0; i < 8; ++i) {
        try (ResultSet row = statement.executeQuery()) {
          holds(row.next(), "no row");
          same(new BigDecimal("1234567890123.4567"), row.getBigDecimal(1));
          same(1L << 40, row.getLong(2));
          same("tëxt '\" 日本", row.getString(3));
          same(true, row.getBoolean(4));
          same(moment, row.getTimestamp(5).toInstant());
          same(1.5e-300, row.getDouble(6));
          same(Arrays.asList(1, null, 3), Arrays.asList((Integer[]) row.getArray(7).getArray()));
          same(LocalDate.of(1999, 12, 31), row.getObject(8, LocalDate.class));
          holds(Arrays.equals(new byte[] {0, 1, -1}, row.getBytes(9)), "other bytes");
        }
      }
    }
  }

  static void batchesAndPartsOfResults() throws Exception {
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO jdbc VALUES (?, ?, ?)")) {
      for (int i = 0; i < 1000; ++i) {
        insert.setInt(1, i);
        insert.setString(2, "n" + i);
        insert.setBigDecimal(3, new BigDecimal(i));
        insert.addBatch();
      }
      same(1000, insert.executeBatch().length);
    }
    connection.commit();
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(64);
      int count = 0;
      try (ResultSet rows = statement.executeQuery("SELECT * FROM jdbc ORDER BY id")) {
        while (rows.next()) same(count++, rows.getInt(1));
      }
      same(1000, count);
    }
  }

  static void generatedKeys() throws Exception {
    String sql = "INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value) VALUES ('J', NOW(), 1, 1, 1)";
    try (PreparedStatement insert = connection.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS)) {
      same(1, insert.executeUpdate());
      try (ResultSet keys = insert.getGeneratedKeys()) {
        holds(keys.next() && keys.getInt("id") >= 1, "no key");
      }
    }
  }

  static void errorsAndSavepoints() throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("INSERT INTO jdbc VALUES (5000, 'x', 1)");
      Savepoint point = connection.setSavepoint("here");
      try {
        statement.executeUpdate("INSERT INTO jdbc VALUES (5000, 'y', 1)");
        throw new AssertionError("no error");
      } catch (SQLException error) {
        same("23505", error.getSQLState());
      }
      connection.rollback(point);
      try (ResultSet row = statement.executeQuery("SELECT name FROM jdbc WHERE id = 5000")) {
        holds(row.next(), "no row");
        same("x", row.getString(1));
      }
    }
  }

  static void timeoutsCancel() throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b");
      throw new AssertionError("no error");
    } catch (SQLException error) {
      same("57014", error.getSQLState());
    }
    try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SELECT 1")) {
      holds(row.next(), "no row");
    }
  }

  static void tablesAreDescribed() throws Exception {
    DatabaseMetaData about = connection.getMetaData();
    same("PostgreSQL", about.getDatabaseProductName());
    same(15, about.getDatabaseMajorVersion());
    Set<String> tables = new TreeSet<>();
    try (ResultSet rows = about.getTables(null, "public", "%", new String[] {"TABLE"})) {
      while (rows.next()) tables.add(rows.getString("TABLE_NAME"));
    }
    holds(tables.containsAll(Arrays.asList("ohlcv", "trades", "symbols")), tables);
    List<String> columns = new ArrayList<>();
    try (ResultSet rows = about.getColumns(null, "public", "trades", "%")) {
      while (rows.next()) {
        columns.add(rows.getString("COLUMN_NAME") + " " + rows.getString("TYPE_NAME") + " " + rows.getString("IS_NULLABLE"));
      }
    }
    same("[symbol text NO, timestamp timestamptz NO, price numeric NO, size numeric NO, exchange int4 YES, "
            + "conditions _text YES, id int8 NO, source text NO]",
        columns.toString());
    Map<Integer, String> key = new TreeMap<>();
    try (ResultSet rows = about.getPrimaryKeys(null, "public", "ohlcv")) {
      while (rows.next()) key.put(rows.getInt("KEY_SEQ"), rows.getString("COLUMN_NAME"));
    }
    same("{1=symbol, 2=timestamp, 3=timeframe}", key.toString());
  }

  static void columnsOfResultsAreTraced() throws Exception {
    String sql = "SELECT b.close AS last, s.name, b.close + 1 AS more, p.id FROM ohlcv b JOIN symbols s USING (symbol), positions p";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      ResultSetMetaData about = statement.getMetaData();
      PGResultSetMetaData traced = about.unwrap(PGResultSetMetaData.class);
      List<String> columns = new ArrayList<>();
      for (int i = 1; i <= about.getColumnCount(); ++i) {
        columns.add(about.getColumnLabel(i) + "=" + traced.getBaseSchemaName(i) + "." + traced.getBaseTableName(i) + "." + traced.getBaseColumnName(i));
      }
      same("[last=public.ohlcv.close, name=public.symbols.name, more=.., id=public.positions.id]", columns.toString());
      same(ResultSetMetaData.columnNoNulls, about.isNullable(1));
      same(ResultSetMetaData.columnNullable, about.isNullable(2));
      same(true, about.isAutoIncrement(4));
      same(false, about.isAutoIncrement(1));
    }
  }

  /** The driver finds the table and its key by what it is told of the columns. */
  static void rowsAreChangedInPlace() throws Exception {
    try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
      statement.execute("DELETE FROM jdbc WHERE id >= 20000");
      statement.execute("INSERT INTO jdbc VALUES (20001, 'a', 1), (20002, 'b', 2)");
      try (ResultSet rows = statement.executeQuery("SELECT id, name, price FROM jdbc WHERE id > 20000 ORDER BY id")) {
        holds(rows.next(), "no row");
        rows.updateString("name", "changed");
        rows.updateBigDecimal("price", new BigDecimal("2.5"));
        rows.updateRow();
        holds(rows.next(), "no second row");
        rows.deleteRow();
        rows.moveToInsertRow();
        rows.updateInt("id", 20003);
        rows.updateString("name", "new");
        rows.insertRow();
      }
      List<String> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery("SELECT id, name FROM jdbc WHERE id > 20000 ORDER BY id")) {
        while (rows.next()) found.add(rows.getInt(1) + " " + rows.getString(2));
      }
      same("[20001 changed, 20003 new]", found.toString());
    }
  }

  /** Values in binary from the first time on, and many rows of a batch as one statement. */
  static void otherSettings(String url, Properties properties) throws Exception {
    Properties more = new Properties();
    more.putAll(properties);
    more.setProperty("prepareThreshold", "-1");
    more.setProperty("reWriteBatchedInserts", "true");
    Connection before = connection;
    try (Connection opened = DriverManager.getConnection(url, more)) {
      connection = opened;
      if (!more.getProperty("preferQueryMode").equals("simple")) types();
      opened.setAutoCommit(false);
      try (PreparedStatement insert = opened.prepareStatement("INSERT INTO jdbc VALUES (?, ?, ?)")) {
        for (int i = 30000; i < 30500; ++i) {
          insert.setInt(1, i);
          insert.setString(2, "rewritten");
          insert.setBigDecimal(3, new BigDecimal("0.5"));
          insert.addBatch();
        }
        same(500, insert.executeBatch().length);
      }
      opened.commit();
      try (Statement statement = opened.createStatement(); ResultSet row = statement.executeQuery("SELECT count(*), sum(price) FROM jdbc WHERE name = 'rewritten'")) {
        holds(row.next(), "no row");
        same(500L, row.getLong(1));
        same(0, new BigDecimal("250").compareTo(row.getBigDecimal(2)));
      }
      opened.rollback();
    } finally {
      connection = before;
    }
  }

  static void notificationsCome() throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("LISTEN java");
      statement.execute("NOTIFY java, 'one'");
      var heard = connection.unwrap(PGConnection.class).getNotifications(10_000);
      same(1, heard.length);
      same("java one", heard[0].getName() + " " + heard[0].getParameter());
      statement.execute("UNLISTEN java");
    }
  }

  /** What tools ask when they show a database; that there is an answer at all. */
  static void everythingIsDescribed() throws Exception {
    DatabaseMetaData about = connection.getMetaData();
    about.getSchemas().close();
    about.getCatalogs().close();
    about.getTableTypes().close();
    about.getTypeInfo().close();
    about.getProcedures(null, null, "%").close();
    about.getFunctions(null, null, "time%").close();
    about.getImportedKeys(null, "public", "trades").close();
    about.getExportedKeys(null, "public", "trades").close();
    about.getBestRowIdentifier(null, "public", "trades", DatabaseMetaData.bestRowSession, true).close();
    about.getTablePrivileges(null, "public", "trades").close();
    about.getColumnPrivileges(null, "public", "trades", "%").close();
    about.getUDTs(null, null, "%", null).close();
    about.getFunctionColumns(null, null, "time_bucket", "%").close();
    holds(!about.getSQLKeywords().isEmpty(), "no keywords");
  }

  static void copy() throws Exception {
    var copies = connection.unwrap(PGConnection.class).getCopyAPI();
    same(2L, copies.copyIn("COPY jdbc FROM STDIN", new StringReader("9001\tcopied\t1.5\n9002\tcopied\t2.5\n")));
    var out = new java.io.StringWriter();
    same(2L, copies.copyOut("COPY (SELECT id, price FROM jdbc WHERE name = 'copied' ORDER BY id) TO STDOUT WITH CSV", out));
    same("9001,1.5\n9002,2.5\n", out.toString());
  }

  static void resultsThatScroll() throws Exception {
    try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
        ResultSet rows = statement.executeQuery("SELECT id, name, price FROM jdbc WHERE id < 10 ORDER BY id")) {
      rows.last();
      same(9, rows.getInt(1));
      rows.absolute(3);
      same(2, rows.getInt(1));
      rows.previous();
      same("n1", rows.getString("name"));
    }
  }

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", "inavvi_user");
    properties.setProperty("password", "postgres");
    properties.setProperty("preferQueryMode", arguments[1]);
    try (Connection opened = DriverManager.getConnection(arguments[0], properties)) {
      connection = opened;
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE jdbc (id INT PRIMARY KEY, name TEXT, price NUMERIC)");
      }
      // In simple mode the driver writes values into the text and has no way to write bytes.
      if (!arguments[1].equals("simple")) step("types", JdbcCheck::types);
      step("batches and parts of results", JdbcCheck::batchesAndPartsOfResults);
      step("generated keys", JdbcCheck::generatedKeys);
      step("errors and savepoints", JdbcCheck::errorsAndSavepoints);
      step("timeouts cancel", JdbcCheck::timeoutsCancel);
      step("tables are described", JdbcCheck::tablesAreDescribed);
      step("everything is described", JdbcCheck::everythingIsDescribed);
      if (!arguments[1].equals("simple")) step("copy", JdbcCheck::copy);
      step("results that scroll", JdbcCheck::resultsThatScroll);
      step("columns of results are traced", JdbcCheck::columnsOfResultsAreTraced);
      step("rows are changed in place", JdbcCheck::rowsAreChangedInPlace);
      step("other settings", () -> otherSettings(arguments[0], properties));
      step("notifications come", JdbcCheck::notificationsCome);
      try (Statement statement = connection.createStatement()) {
        statement.execute("DROP TABLE jdbc");
      }
    }
    System.exit(failed == 0 ? 0 : 1);
  }
}
