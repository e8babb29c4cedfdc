package main

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/ledger"
)

// R38: a subscriber that connects again with the last id it has seen misses
// nothing and gets nothing twice, however the ledger ends, while others write.
func TestR38_AStreamGoesOnOverRestarts(t *testing.T) {
	rounds := 6
	if long() {
		rounds = 60
	}
	dir := t.TempDir()
	s := &siege{server: launch(t, dir), asked: make(map[string]string), acked: make(map[string]string)}
	for range 3 {
		s.packs = append(s.packs, s.linked(100_000))
	}
	var running atomic.Pointer[server]
	running.Store(s.server)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	followers := []*follower{
		{running: &running, query: "after=0", wants: func(string, string) bool { return true }},
		{running: &running, query: "after=0&types=incident.deducted", wants: func(kind, _ string) bool { return kind == "incident.deducted.v1" }},
		{running: &running, query: "after=0&contract=" + s.packs[1].ID, wants: func(_, contract string) bool { return contract == s.packs[1].ID }},
	}
	var following sync.WaitGroup
	for _, f := range followers {
		following.Go(func() { f.follow(ctx) })
	}
	for i := range rounds {
		end := s.kill
		if i%2 == 1 {
			end = func() {
				started := time.Now()
				must(t, s.stop())
				if took := time.Since(started); took > 4*time.Second {
					t.Errorf("stopping took %v with streams open", took)
				}
			}
		}
		s.round(50, end)
		s.server = launch(t, dir)
		running.Store(s.server)
	}
	places := s.places()
	for i, f := range followers {
		var want []uint64
		for _, p := range places {
			if f.wants(p.Type, p.contract) {
				want = append(want, p.Position)
			}
		}
		if got := f.until(ctx, want[len(want)-1]); !slices.Equal(got, want) {
			t.Errorf("follower %d got %d events, want %d", i, len(got), len(want))
		}
		t.Logf("follower %d connected %d times for %d events", i, f.connected.Load(), len(want))
	}
	cancel()
	following.Wait()
}

// A place is where an event is recorded.
type place struct {
	Position uint64 `json:"position"`
	Type     string `json:"type"`
	contract string
}

// places are those of all contracts' events that subscribers are told about, in
// the order of the log.
func (s *siege) places() (all []place) {
	s.t.Helper()
	for _, p := range s.packs {
		for cursor := ""; ; {
			var page struct {
				Items []place `json:"items"`
				Next  string  `json:"next"`
			}
			s.get("auditor", "/v1/contracts/"+p.ID+"/history?limit=1000&cursor="+cursor, &page)
			for _, item := range page.Items {
				published, err := ledger.Published(item.Type)
				must(s.t, err)
				if published {
					all = append(all, place{item.Position, item.Type, p.ID})
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b place) int { return int(a.Position) - int(b.Position) })
	return all
}

// A follower follows an event stream, and connects again whenever it ends.
type follower struct {
	running   *atomic.Pointer[server]
	query     string
	wants     func(kind, contract string) bool
	connected atomic.Int64

	mu   sync.Mutex
	got  []uint64
	last string // the newest id
}

func (f *follower) follow(ctx context.Context) {
	for ctx.Err() == nil {
		f.connect(ctx)
		select {
		case <-time.After(10 * time.Millisecond): // as a browser does
		case <-ctx.Done():
		}
	}
}

// connect follows until the stream ends, which may be at once.
func (f *follower) connect(ctx context.Context) {
	s := f.running.Load()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v1/events?"+f.query, http.NoBody)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens["service"])
	if f.last != "" {
		r.Header.Set("Last-Event-ID", f.last)
	}
	answer, err := new(http.Client).Do(r)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return
	}
	f.connected.Add(1)
	lines := bufio.NewReader(answer.Body)
	id, event := "", false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return // what was cut off does not count
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case name == "id":
			id = value
		case name == "event":
			event = true
		case line == "\n":
			f.take(id, event)
			id, event = "", false
		}
	}
}

func (f *follower) take(id string, event bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != "" {
		f.last = id
	}
	if position, err := strconv.ParseUint(id, 10, 64); err == nil && event {
		f.got = append(f.got, position)
	}
}

// until waits for a position, and returns what came up to it.
func (f *follower) until(ctx context.Context, position uint64) []uint64 {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		got := slices.Clone(f.got)
		f.mu.Unlock()
		if len(got) > 0 && got[len(got)-1] >= position || ctx.Err() != nil {
			return got
		}
		<-tick.C
	}
}
