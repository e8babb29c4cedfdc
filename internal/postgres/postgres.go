// Package postgres is how the house reaches PostgreSQL: where a database is, how
// long to try, and which errors mean that it cannot be reached now.
//
// No value of it, and no error, prints a password.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A Database says where a database is and how to connect. Immutable.
type Database struct {
	config *pgx.ConnConfig
	name   string
}

// Limits of a connection.
const (
	connectTimeout = 5 * time.Second  // of a connection's making, unless the URL says otherwise
	deadAfter      = 15 * time.Second // without an answer from the other machine's network
)

// IsURL says whether a text looks like what Parse takes.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// Parse reads postgres://user:password@host:port/database?sslmode=verify-full, with
// the parameters that libpq knows, and the environment variables PGPASSFILE,
// PGSSLROOTCERT and so on for what it leaves out. The error never says what the
// URL was.
func Parse(text string) (*Database, error) {
	if !IsURL(text) {
		return nil, errors.New("want postgres://USER@HOST:PORT/DATABASE")
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("want postgres://USER@HOST:PORT/DATABASE: %s", reason(text, err))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "supportledger"
	}
	if config.ValidateConnect == nil { // of several hosts the one that takes writes
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	dialer := &net.Dialer{
		Timeout: config.ConnectTimeout, ControlContext: giveUpUnacknowledged,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: deadAfter / 3, Interval: deadAfter / 6, Count: 4},
	}
	config.DialFunc = dialer.DialContext
	return &Database{config, nameOf(config)}, nil
}

// reason is why a URL was not understood, unless it would tell something of the
// URL that lies where a password may be.
func reason(text string, err error) string {
	parse := new(pgconn.ParseConfigError)
	if !errors.As(err, &parse) {
		return "it is not understood"
	}
	// Its own text quotes the URL; what it wraps may quote parts of it.
	for _, known := range []string{
		"invalid port", "invalid connect_timeout", "sslmode is invalid", "failed to configure TLS", "target_session_attrs", "invalid keepalives",
		"unable to read CA file", "both \"sslcert\" and \"sslkey\" are required",
	} {
		if strings.Contains(parse.Error(), known) {
			return known
		}
	}
	return "it is not understood"
}

func nameOf(c *pgx.ConnConfig) string {
	host := net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		host = c.Host
	}
	name := "postgres://" + c.User + "@" + host + "/" + c.Database
	if path := c.RuntimeParams["search_path"]; path != "" {
		name += "?search_path=" + path
	}
	return name
}

// String says which database it is, without the password.
func (d *Database) String() string { return d.name }

// Same says whether both are one database, by whatever user and in whatever
// schema.
func (d *Database) Same(other *Database) bool {
	a, b := d.config, other.config
	return a.Host == b.Host && a.Port == b.Port && a.Database == b.Database
}

// Format prints String whatever the verb.
func (d *Database) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.name) }

// LogValue logs String.
func (d *Database) LogValue() slog.Value { return slog.StringValue(d.name) }

// Pool makes connections when they are asked for. Each executes the statements
// first.
func (d *Database) Pool(settings ...string) *sql.DB {
	return stdlib.OpenDB(*d.config.Copy(), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, strings.Join(settings, ";"), pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// Unprepared is an argument before all others that lets a pool execute a statement
// without preparing it.
const Unprepared = pgx.QueryExecModeExec

// Raw lends the driver's own connection under one of a pool.
func Raw(conn *sql.Conn, use func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error {
		own, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is not one of a pool", c)
		}
		return use(own.Conn())
	})
}

// Away says that an error means: the database cannot be reached now, or takes no
// orders now. It may be asked again. What the caller's own context has ended is
// none.
func Away(err error) bool {
	if err == nil {
		return false
	}
	if e := new(pgconn.PgError); errors.As(err, &e) {
		return awayCode(e.Code)
	}
	if e := new(pgconn.ConnectError); errors.As(err, &e) || pgconn.SafeToRetry(err) {
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // whoever asked has set the time
	}
	if e := net.Error(nil); errors.As(err, &e) {
		return true
	}
	for _, lost := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

// Unconnected says that no connection could be made, for whatever reason: a
// password that is wrong is one, too.
func Unconnected(err error) bool {
	e := new(pgconn.ConnectError)
	return errors.As(err, &e)
}

// awayCode says the same of an SQLSTATE.
func awayCode(code string) bool {
	if code == codeReadOnly || code == codeIdleInTransaction {
		return true
	}
	switch code[:min(2, len(code))] {
	case "08", "53", "57", "58": // connection, resources, an operator's intervention, the system
		return true
	}
	return false
}

// The SQLSTATEs that are told apart.
const (
	codeReadOnly          = "25006" // a standby, or one that is being taken over from
	codeIdleInTransaction = "25P03" // a transaction that waited too long for its next statement
	codeNoSuchTable       = "42P01"
	codeLockTimeout       = "55P03"
	codeDeadlock          = "40P01"
	codeSerialization     = "40001"
	codeUnique            = "23505"
)

// NoSuchTable says that a statement named a table that there is not.
func NoSuchTable(err error) bool { return hasCode(err, codeNoSuchTable) }

// Contended says that a statement gave way to somebody else's, and may be tried
// again.
func Contended(err error) bool {
	return hasCode(err, codeLockTimeout) || hasCode(err, codeDeadlock) || hasCode(err, codeSerialization) || hasCode(err, codeUnique)
}

func hasCode(err error, code string) bool {
	e := new(pgconn.PgError)
	return errors.As(err, &e) && e.Code == code
}
