package mail_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A recital is a server that says what it was told to, for what real servers do
// rarely: refuse at the door, talk nonsense, fall silent.
type recital struct {
	host, port string

	silent func()          // notes that it is
	fallen <-chan struct{} // closed then

	mu    sync.Mutex
	heard []string // verbs, in order, of all connections
}

// What a recital may do instead of answering.
const (
	silence = "silence" // until the test ends
	hangUp  = "hang up"
)

// recite answers verbs, and "." at the end of a letter, with lines; what is not
// told gets 250, or 354 for DATA. "" is the greeting.
func recite(t *testing.T, lines map[string]string) *recital {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	fallen := make(chan struct{})
	r := &recital{silent: sync.OnceFunc(func() { close(fallen) }), fallen: fallen}
	r.host, r.port, err = net.SplitHostPort(listener.Addr().String())
	must(t, err)
	over := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.converse(conn, lines, over) })
		}
	})
	t.Cleanup(func() { close(over); listener.Close(); running.Wait() })
	return r
}

func (r *recital) converse(conn net.Conn, lines map[string]string, over <-chan struct{}) {
	defer conn.Close()
	say := func(verb, usual string) bool {
		line, told := lines[verb]
		if !told {
			line = usual
		}
		switch line {
		case silence:
			r.silent()
			<-over
			return false
		case hangUp:
			return false
		}
		_, err := fmt.Fprint(conn, line+"\r\n")
		return err == nil
	}
	if !say("", "220 recital.example") {
		return
	}
	inside := false // a letter
	for in := bufio.NewScanner(conn); in.Scan(); {
		verb := strings.ToUpper(strings.Fields(in.Text() + " -")[0])
		if inside && verb != "." {
			continue
		}
		r.note(verb)
		usual := "250 very well"
		if inside = verb == "DATA" && !strings.HasPrefix(lines[verb], "4") && !strings.HasPrefix(lines[verb], "5"); inside {
			usual = "354 go ahead"
		}
		if verb == "QUIT" {
			usual = "221 goodbye"
		}
		if !say(verb, usual) {
			return
		}
	}
}

func (r *recital) note(verb string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, verb)
}

// said counts how often the client said a verb.
func (r *recital) said(verb string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(r.heard), func(v string) bool { return v != verb }))
}
