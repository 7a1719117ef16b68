package store

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
)

// SQLite parses and plans a statement anew each time it is given as text,
// which for the short statements of a request takes longer than running them.
// So each connection keeps the statements that it ran last, prepared.
// PostgreSQL's driver does the same by itself.

// statements is how many prepared statements a connection keeps, unless the
// options say otherwise. Each takes some kilobytes.
const statements = 128

// longestStatement is the longest text that is kept. Longer ones carry values
// in numbers that hardly come again.
const longestStatement = 8192

// boundLimit is a LIMIT that is given as a value. SQLite looks at such values
// when it plans, and so plans again whenever one is bound; it does not look
// into expressions.
var boundLimit = regexp.MustCompile(`\bLIMIT (\$\d+)`)

// preparing opens connections that keep statements.
type preparing struct {
	driver.Connector
	limit int
}

// Connect opens a connection.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	lite, ok := conn.(liteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("store: %T lacks methods of a SQLite connection", conn), conn.Close())
	}
	return &preparedConn{liteConn: lite, limit: p.limit, order: list.New(), kept: map[string]*list.Element{}}, nil
}

// liteConn is what the SQLite driver's connections can do.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// liteStmt is what the SQLite driver's statements can do.
type liteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// preparedConn is a connection with the statements that it keeps. Like every
// driver.Conn it is used by one goroutine at a time.
type preparedConn struct {
	liteConn
	limit int
	// order holds what is kept and not running, the last used in front; kept
	// finds it by text.
	order *list.List
	kept  map[string]*list.Element
}

// keptStatement is an element of order.
type keptStatement struct {
	query string
	stmt  liteStmt
}

// ExecContext runs a statement without rows.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.giveBack(query, stmt, err)
}

// QueryContext runs a statement with rows; it is kept again once they are
// closed.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, c.giveBack(query, stmt, err)
	}
	return &preparedRows{Rows: rows, conn: c, query: query, stmt: stmt}, nil
}

// preparedRows are the rows of a statement that is to be kept.
type preparedRows struct {
	driver.Rows
	conn  *preparedConn
	query string
	stmt  liteStmt
}

// Close ends the rows. database/sql calls it once.
func (r *preparedRows) Close() error {
	return r.conn.giveBack(r.query, r.stmt, r.Rows.Close())
}

// take returns the statement, kept or new. While it runs nobody else has it;
// a second one of the same text is prepared anew.
func (c *preparedConn) take(ctx context.Context, query string) (liteStmt, error) {
	if e := c.kept[query]; e != nil {
		return c.remove(e).stmt, nil
	}
	stmt, err := c.PrepareContext(ctx, boundLimit.ReplaceAllString(query, "LIMIT CAST(${1} AS BIGINT)"))
	if err != nil {
		return nil, err
	}
	lite, ok := stmt.(liteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("store: %T lacks methods of a SQLite statement", stmt), stmt.Close())
	}
	return lite, nil
}

// giveBack keeps a statement that ran, unless it failed or its text is long.
// It returns the failure.
func (c *preparedConn) giveBack(query string, stmt liteStmt, failed error) error {
	if failed != nil {
		_ = stmt.Close() // It tells the same failure once more.
		return failed
	}
	if len(query) > longestStatement || c.limit <= 0 || c.kept[query] != nil {
		return stmt.Close()
	}
	c.kept[query] = c.order.PushFront(keptStatement{query, stmt})
	if c.order.Len() <= c.limit {
		return nil
	}
	return c.remove(c.order.Back()).stmt.Close()
}

func (c *preparedConn) remove(e *list.Element) keptStatement {
	k, _ := c.order.Remove(e).(keptStatement)
	delete(c.kept, k.query)
	return k
}

// Close ends the statements and the connection.
func (c *preparedConn) Close() error {
	var errs []error
	for c.order.Len() > 0 {
		errs = append(errs, c.remove(c.order.Back()).stmt.Close())
	}
	return errors.Join(append(errs, c.liteConn.Close())...)
}
