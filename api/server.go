package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Handler answers every call, and everything that is none with a problem.
func (a *API) Handler() http.Handler { return http.HandlerFunc(a.serve) }

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !lasting(r.URL.Path) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.RequestTimeout)
		defer cancel()
	}
	c := begin(ctx, w, r)
	c.from = a.TrustedProxies.clientOf(r)
	for name, value := range securityHeaders {
		w.Header()[name] = value
	}
	w.Header().Set("X-Request-Id", c.id)
	a.startSpan(c, r)
	a.metrics.running.Inc()
	defer a.finish(c)
	r = r.WithContext(c)
	switch {
	case r.Method == post && r.URL.Path == hotPath:
		a.hot.ServeHTTP(c, r) // the router would find the same
		return
	case r.Method == http.MethodHead:
		// The server drops the body of an answer to HEAD by itself.
		c.head = true
		r.Method = http.MethodGet
	}
	a.router.ServeHTTP(c, r)
}

// lasting says whether a call may take longer than others: event streams last as
// long as they are listened to, files as long as they move.
func lasting(path string) bool {
	return path == eventsPath || strings.HasPrefix(path, attachmentsPath) || path == importsPath || path == exportsPath
}

// securityHeaders say that answers are data: not to be sniffed, framed, cached by
// strangers, or read by pages of other origins. Nobody changes the values.
var securityHeaders = map[string][]string{
	"X-Content-Type-Options":  {"nosniff"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"no-referrer"},
	"Cache-Control":           {"no-store"},
}

// finish notes how a call has ended; a panic has ended it as well.
func (a *API) finish(c *call) {
	broken := recover()
	aborted := broken == http.ErrAbortHandler
	if broken != nil && !aborted {
		c.cause = fmt.Errorf("panic: %v", broken)
		a.log.LogAttrs(c, slog.LevelError, "a request panicked", slog.String("request", c.id),
			slog.Any("panic", broken), slog.String("stack", string(debug.Stack())))
		if c.status == 0 {
			c.fail(c.cause)
		}
	}
	a.metrics.running.Dec()
	a.metrics.count(c)
	a.logCall(c)
	c.endSpan()
	if aborted {
		panic(broken) // net/http knows what it means
	}
}

// logCall writes the access log: the route, never the path or the query, which
// may name somebody.
func (a *API) logCall(c *call) {
	level := slog.LevelInfo
	switch {
	case c.status < http.StatusInternalServerError || errors.Is(c.cause, context.Canceled): // who asked is gone
	case c.status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	default:
		level = slog.LevelError
	}
	if !a.log.Enabled(c, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("request", c.id), slog.Int("status", c.status), slog.Duration("took", time.Since(c.started)))
	if c.route != nil {
		attrs = append(attrs, slog.String("method", c.route.method), slog.String("route", c.route.path))
	}
	if c.span != nil {
		attrs = append(attrs, slog.String("trace", hex.EncodeToString(c.trace.id[:])))
	}
	if c.claims != nil {
		attrs = append(attrs, slog.String("account", c.claims.Account.String()), slog.String("role", string(c.role)))
	}
	if c.refused != "" {
		attrs = append(attrs, slog.String("code", c.refused))
	}
	if c.cause != nil {
		attrs = append(attrs, slog.String("cause", c.cause.Error()))
	}
	a.log.LogAttrs(c, level, "request", attrs...)
}

// Serve answers requests on a listener until the context ends (Run); event
// streams end at once then.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger, grace time.Duration) error {
	return Run(ctx, listener, &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}, grace)
}
