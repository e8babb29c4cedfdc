//go:build linux

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
)

const (
	guessers     = 6
	guessesLeast = 3 // of each of them, who goes on while something is missing
	guessesMost  = 10
	guessesFail  = 5 // at most, of an account (R8)
)

// stranger is the token of a customer who was never seen before; it counts on all
// nodes.
func (s *site) stranger(name string) string {
	s.t.Helper()
	path, err := binary()
	must(s.t, err)
	out, err := exec.Command(path, "token", "create", "--data", s.dirs[0], "--subject", name, "--role", "customer", "--sign-in", "mpn").Output()
	must(s.t, err)
	return strings.TrimSpace(string(out))
}

// beginGuessing lets one account of this round guess at all nodes at once.
func (w *work) beginGuessing() {
	as := w.stranger(fmt.Sprint("guesser ", w.round))
	for n := range guessers {
		w.all.Go(func() { w.guess(as, n) })
	}
}

// guess tries pairs of IDs that are none, at any node. Whatever is away meanwhile,
// no more guesses fail than one node alone would let fail; the others are refused
// unseen.
func (w *work) guess(as string, guesser int) {
	for step := 0; step < guessesLeast || step < guessesMost && !w.over.Load(); step++ {
		key := fmt.Sprint("guess ", w.round, "-", guesser, "-", step)
		pair := contract{AccessID: fmt.Sprintf("9%03d%03d%03d", w.round, guesser, step), ContractID: "0000000000"}
		got := w.ask(rand.IntN(nodes), as, http.MethodPost, "/v1/links", key, link(pair))
		switch got.code() {
		case "pair-not-valid":
			if n := w.failed.Add(1); n > guessesFail {
				w.site.t.Errorf("round %d: %d guesses of one account were let fail", w.round, n)
			}
		case "too-many-tries":
			if got.header.Get("Retry-After") == "" {
				w.site.t.Errorf("round %d: who guesses is not told when to come again: %v", w.round, got.header)
			}
		default:
			w.site.t.Errorf("round %d: a guess is answered with %d %s", w.round, got.status, got.body)
		}
	}
}
