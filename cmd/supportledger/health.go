package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

type healthCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"SUPPORTLEDGER_LISTEN" help:"Where the ledger listens, ${default} if left out."`
	Live   bool   `help:"Ask only whether the process answers, not whether requests should be sent to it."`
}

// askPatience bounds how long an answer is waited for: less than whoever asks
// for it on the clock gives this program.
const askPatience = 4 * time.Second

// Run asks a ledger how it is.
func (c *healthCmd) Run(ctx context.Context, t *terminal) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "" || port == "0" {
		return fmt.Errorf("%w: --listen %q is not HOST:PORT", errAskedWrongly, c.Listen)
	}
	switch host { // it listens on all addresses, of which this is one
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	path := "/readyz"
	if c.Live {
		path = "/healthz"
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return ask(ctx, "http://"+net.JoinHostPort(host, port)+path, t.out)
}

// ask prints what a ledger says of itself, if that is good.
func ask(ctx context.Context, url string, out io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	direct := &http.Client{Transport: &http.Transport{}} // a proxy would answer for itself
	answer, err := direct.Do(r)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		var said struct{ Status string }
		if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
			return fmt.Errorf("ask %s: it is no ledger that answers: %w", url, err)
		}
		fmt.Fprintln(out, said.Status)
		return nil
	}
	var p problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || p.Code == "" {
		return fmt.Errorf("ask %s: it answers with status %d", url, answer.StatusCode)
	}
	return errors.New(p.Detail)
}
