package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/api"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

type serveCmd struct {
	Data   string `type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The ledger's folder; it is made if there is none."`
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"SUPPORTLEDGER_LISTEN" help:"Where to listen, ${default} if left out; port 0 takes a free one."`
	Keys   string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys, made by keys create. Required without --dev."`
	Dev    bool   `env:"SUPPORTLEDGER_DEV" help:"For development: keeps the keys beside the data and writes tokens to dev-tokens.json. Only on a loopback address."`

	placeFlags

	Catalog string `default:"microsoft-2015" placeholder:"FILE|NAME" env:"SUPPORTLEDGER_CATALOG" help:"The catalogue: a YAML file, or the name of one that comes with the program; ${default} if left out."`
	Issuers string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_ISSUERS" help:"A JSON file that lists OpenID Connect issuers whose tokens count, and what they may assert."`
	Revoked string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_REVOKED" help:"A file that lists revoked tokens; it is read again when it changes."`

	natsFlags
	mailFlags

	esdbFlags

	MetricsListen string   `placeholder:"HOST:PORT" env:"SUPPORTLEDGER_METRICS_LISTEN" help:"Where to serve /metrics; on --listen if left out."`
	Rate          float64  `default:"0" placeholder:"N" env:"SUPPORTLEDGER_RATE" help:"Requests a second that one account may send; 0 is no limit."`
	Burst         int      `default:"20" placeholder:"N" env:"SUPPORTLEDGER_BURST" help:"Requests that one account may send at once, where there is a rate; ${default} if left out."`
	TrustedProxy  []string `placeholder:"CIDR" env:"SUPPORTLEDGER_TRUSTED_PROXY" help:"A network, or an address, of proxies whose X-Forwarded-For says where requests come from: failed links are counted by it, too. May be given several times; none if left out."`
	EventStreams  int      `default:"4096" placeholder:"N" env:"SUPPORTLEDGER_EVENT_STREAMS" help:"Event streams (GET /v1/events) that may be open at once, ${default} if left out; more are refused with 503."`
	Log           string   `default:"text" enum:"text,json" env:"SUPPORTLEDGER_LOG" help:"How to write the log: text or json (${enum})."`
	LogLevel      string   `default:"info" enum:"debug,info,warn,error" env:"SUPPORTLEDGER_LOG_LEVEL" help:"What to log at least (${enum})."`
	traceFlags

	Drain   string `default:"0s" placeholder:"DURATION" env:"SUPPORTLEDGER_DRAIN" help:"How long to go on answering when stopping, while /readyz says 503, so that a load balancer sends requests elsewhere before the listeners close; ${default} if left out."`
	Grace   string `default:"35s" placeholder:"DURATION" env:"SUPPORTLEDGER_GRACE" help:"How long requests that were accepted may take when stopping; ${default} if left out."`
	Threads int    `default:"0" placeholder:"N" env:"SUPPORTLEDGER_THREADS" help:"Threads that run Go code at once; 0 is twice the cores, unless GOMAXPROCS says otherwise. More than cores helps, since the disk is waited for."`

	Memory string `default:"768MiB" placeholder:"SIZE" env:"SUPPORTLEDGER_MEMORY" help:"How much memory the program tries to stay below, ${default} if left out, unless GOMEMLIMIT says otherwise; the read models' database takes some more."`

	TestClock    string `placeholder:"TIME" help:"For tests: the clock stands at this time (RFC 3339), or the last record's if later, until POST /v1/test-clock."`
	ForgetPeople bool   `help:"Go on although the keys of people are missing: their texts show as erased for good."`
}

// Run serves until it is told to stop, and then for as long as it is to drain.
func (c *serveCmd) Run(told context.Context, t *terminal) error {
	s, err := c.settings(t.err)
	if err != nil {
		return err
	}
	if err := c.setLimits(); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(told))
	defer end(nil)
	s.onFatal = end
	atOnce := context.AfterFunc(told, func() { end(nil) }) // while it starts, nobody is sent here
	e, err := c.bind()
	if err != nil {
		return err
	}
	defer e.close()
	v, err := startService(ctx, s)
	if errors.Is(err, pebblestore.ErrInUse) {
		err = fmt.Errorf("%w: a ledger is running in %s: stop it, or name another folder with --data", err, c.Data)
	}
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if atOnce() {
		defer context.AfterFunc(told, func() { drain(ctx, v, s.drain); end(nil) })()
	}
	err = c.serve(ctx, v, e, s, t.out)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	err = errors.Join(err, v.close())
	if err != nil {
		s.log.Error("stopped", "error", err)
	} else {
		s.log.Info("stopped")
	}
	return err
}

// settings checks the flags.
func (c *serveCmd) settings(logTo io.Writer) (_ settings, err error) {
	s := settings{
		folder: folder(c.Data), keysFile: c.Keys, dev: c.Dev, forgetPeople: c.ForgetPeople, catalog: c.Catalog,
		revoked: c.Revoked, rate: c.Rate, burst: c.Burst, eventStreams: c.EventStreams, ownMetrics: c.MetricsListen != "", log: c.logger(logTo),
	}
	if c.Dev {
		if err := mustBeLoopback(c.Listen); err != nil {
			return s, err
		}
	}
	if s.grace, err = notBelowZero("--grace", c.Grace); err != nil {
		return s, err
	}
	if s.drain, err = notBelowZero("--drain", c.Drain); err != nil {
		return s, err
	}
	if err := c.checkNumbers(); err != nil {
		return s, err
	}
	if c.TestClock != "" {
		if s.testClock, err = time.Parse(time.RFC3339, c.TestClock); err != nil {
			return s, fmt.Errorf("%w: --test-clock %q is not a time, such as 2026-03-01T09:00:00Z", errAskedWrongly, c.TestClock)
		}
		s.log.Warn("the clock is a test clock: it stands still until POST /v1/test-clock")
	}
	if s.places, err = c.places(); err != nil {
		return s, err
	}
	if s.proxies, err = api.ParseProxies(c.TrustedProxy); err != nil {
		return s, fmt.Errorf("%w: --trusted-proxy is a network such as 10.0.0.0/8, or an address: %w", errAskedWrongly, err)
	}
	if c.Issuers != "" {
		if s.issuers, err = readIssuers(c.Issuers); err != nil {
			return s, err
		}
	}
	if s.esdb, err = c.esdbFlags.settings(c.Dev, s.log); err != nil {
		return s, err
	}
	if s.nats, err = c.natsFlags.settings(c.Dev, s.log); err != nil {
		return s, err
	}
	if s.mails, err = c.mailFlags.settings(s.nats.off); err != nil {
		return s, err
	}
	s.spans, err = c.traceFlags.exporter(s.log)
	return s, err
}

// notBelowZero reads a duration.
func notBelowZero(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%w: %s %q is not a duration, such as 20s", errAskedWrongly, flag, text)
	}
	return d, nil
}

// checkNumbers refuses those that are out of their range.
func (c *serveCmd) checkNumbers() error {
	switch {
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0) || c.Burst < 1: // NaN is no rate either
		return fmt.Errorf("%w: --rate must be a number not below 0, and --burst not below 1", errAskedWrongly)
	case c.EventStreams < 1:
		return fmt.Errorf("%w: --event-streams must not be below 1", errAskedWrongly)
	case c.Threads < 0:
		return fmt.Errorf("%w: --threads must not be below 0", errAskedWrongly)
	}
	return nil
}

// mustBeLoopback refuses to serve a development ledger, whose keys and tokens lie
// beside its data, to other machines.
func mustBeLoopback(address string) error {
	loopback, err := isLoopback(address)
	if err != nil {
		return fmt.Errorf("%w: --listen %q is not HOST:PORT", errAskedWrongly, address)
	}
	if loopback {
		return nil
	}
	return fmt.Errorf("%w: --dev is refused on %s, which other machines can reach: listen on 127.0.0.1 or leave --dev out and name --keys FILE",
		errAskedWrongly, address)
}

// isLoopback says whether an address can be reached from this machine alone.
func isLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, err
	}
	return isLocal(host), nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *serveCmd) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of the enum
	options := &slog.HandlerOptions{Level: level}
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// collectAt is GOGC unless that is set: a tenth of the processor time of a
// submission went into collecting what the limit of memory leaves room for.
const collectAt = 400

// setLimits tells the runtime how many threads and how much memory to use.
func (c *serveCmd) setLimits() error {
	memory, err := parseBytes(c.Memory)
	if err != nil {
		return fmt.Errorf("%w: --memory %w", errAskedWrongly, err)
	}
	roomForGarbage(memory)
	switch {
	case c.Threads > 0:
		runtime.GOMAXPROCS(c.Threads)
	case os.Getenv("GOMAXPROCS") == "":
		runtime.SetDefaultGOMAXPROCS() // the cores, or what the container may use of them
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
	return nil
}

// roomForGarbage lets garbage be collected by a limit of memory, unless the
// environment says otherwise, and returns how to go back.
func roomForGarbage(memory int64) (back func()) {
	limit, percent := debug.SetMemoryLimit(-1), -1
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	if os.Getenv("GOGC") == "" {
		percent = debug.SetGCPercent(collectAt) // the limit above is what bounds the memory
	}
	return func() {
		debug.SetMemoryLimit(limit)
		if percent >= 0 {
			debug.SetGCPercent(percent)
		}
	}
}

// parseBytes reads an amount of memory: "768MiB", "2GiB".
func parseBytes(text string) (int64, error) {
	for unit, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		digits, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseInt(digits, 10, 32); ok && err == nil && n > 0 {
			return n * size, nil
		}
	}
	return 0, fmt.Errorf("%q is not an amount of memory, such as 768MiB", text)
}

// ears are where a ledger is spoken to over the network.
type ears struct {
	api     net.Listener
	metrics net.Listener // nil: on the API's
	esdb    net.Listener // nil: nowhere
}

// bind takes all addresses before anything is opened, printed or served.
func (c *serveCmd) bind() (e ears, err error) {
	if e.api, err = net.Listen("tcp", c.Listen); err != nil {
		return e, fmt.Errorf("--listen: %w; free the address, or name another one", err)
	}
	if e.esdb, err = c.esdbFlags.bind(); err != nil {
		e.close()
		return e, err
	}
	if c.MetricsListen == "" {
		return e, nil
	}
	if e.metrics, err = net.Listen("tcp", c.MetricsListen); err != nil {
		e.close()
		return e, fmt.Errorf("--metrics-listen: %w; free the address, or name another one", err)
	}
	return e, nil
}

func (e *ears) close() {
	e.api.Close()
	if e.esdb != nil {
		e.esdb.Close()
	}
	if e.metrics != nil {
		e.metrics.Close()
	}
}

// serve answers requests, commands by the control socket, and /metrics, until the
// context ends or one of them fails.
func (c *serveCmd) serve(ctx context.Context, v *service, e ears, s settings, out io.Writer) error {
	if c.Dev {
		if err := v.writeDevTokens(); err != nil {
			return err
		}
	}
	if err := v.tellSubscribers(out); err != nil {
		return err
	}
	ear, err := v.listenControl()
	if err != nil {
		return err
	}
	defer v.closeControl()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return api.Serve(ctx, e.api, v.handler(), v.log, s.grace) })
	g.Go(func() error { return serveControl(ctx, ear, &control{v.house, v.log}) })
	if e.esdb != nil {
		g.Go(func() error { return v.serveESDB(ctx, e.esdb, s.esdb) })
		tellReaders(out, e.esdb, s.esdb)
	}
	if e.metrics != nil {
		g.Go(func() error { return api.Serve(ctx, e.metrics, v.registry.handler(), v.log, s.grace) })
		fmt.Fprintf(out, "metrics on http://%s/metrics\n", e.metrics.Addr())
	}
	v.log.Info("listening", "address", e.api.Addr().String(), "folder", c.Data, "read models", v.readModels(), "people", v.peoplePlace(), "attachments", v.filesPlace(), "version", version(), "keys", v.keys, "catalogue", v.catalog.Digest)
	fmt.Fprintf(out, "listening on http://%s\n", e.api.Addr())
	if c.Dev {
		fmt.Fprintf(out, "for development only; tokens are in %s\n", v.devTokens())
	}
	<-ctx.Done()
	v.log.Info("stopping: requests that were accepted are finished; a second signal ends the process at once", "grace", s.grace)
	return g.Wait()
}

// serveControl answers commands until the context ends; those under way are cut
// off then, and can be asked again.
func serveControl(ctx context.Context, ear net.Listener, handler http.Handler) error {
	err := api.Run(ctx, ear, &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}, 0)
	if err != nil && !errors.Is(err, api.ErrCutOff) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}
