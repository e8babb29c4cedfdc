package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// A caller is a client of the HTTP interface with the tokens of several people.
type caller struct {
	ctx    context.Context
	base   string
	tokens map[string]string
	client *http.Client
	keys   atomic.Int64
}

// problem is what a refusal says (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return strconv.Itoa(p.Status) + " " + p.Code + ": " + p.Detail }

// post sends a body as one of the people, under an Idempotency-Key of its own,
// and reads the answer.
func (c *caller) post(as, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return c.do(as, http.MethodPost, path, bytes.NewReader(text), answer)
}

func (c *caller) do(as, method, path string, body io.Reader, answer any) error {
	r, err := http.NewRequestWithContext(c.ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.tokens[as])
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprintf("demo-%d", c.keys.Add(1)))
	got, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if got.StatusCode >= http.StatusBadRequest {
		p := new(problem)
		if err := json.Unmarshal(text, p); err != nil {
			return fmt.Errorf("%s %s: status %d: %s", method, path, got.StatusCode, text)
		}
		return p
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return nil
}
