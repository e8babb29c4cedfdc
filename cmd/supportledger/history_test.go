package main

import (
	"fmt"
	"strings"
	"testing"
)

// A history tells of two streams. Each line says whose revision it shows, and each
// stream's are counted without a gap; positions put them in one order.
func TestAHistoryTellsWhoseRevisionsItCounts(t *testing.T) {
	f := mailed(t)
	lines := strings.Split(strings.TrimSpace(succeed(t, "history", f.pack.ID, "--data", f.dir)), "\n")
	if head := strings.Join(strings.Fields(lines[0])[:4], " "); head != "POSITION STREAM REV RECORDED" {
		t.Errorf("the columns begin with %s", head)
	}
	next, last := map[string]int{}, 0
	for _, line := range lines[1:] {
		var position, revision int
		var stream, at, event string
		_, err := fmt.Sscan(line, &position, &stream, &revision, &at, &event)
		must(t, err)
		if want := map[bool]string{true: "mails", false: "contract"}[strings.HasPrefix(event, "mail.")]; stream != want {
			t.Errorf("%s is of the stream %s, want %s", event, stream, want)
		}
		if revision != next[stream] || position <= last {
			t.Errorf("after %v and position %d comes: %s", next, last, line)
		}
		next[stream], last = revision+1, position
	}
	if next["mails"] != 3 || next["contract"] < 4 {
		t.Errorf("the history has %v", next)
	}
}

// Who leaves out what a command needs is told all of it, whatever is missing first.
func TestR44_ACommandWithoutItsArgumentsSaysWhatToGive(t *testing.T) {
	for _, args := range [][]string{{"history"}, {"history", "--data", t.TempDir()}, {"history", "--json"}} {
		fail(t, exitUsage, []string{"supportledger history --data=DIR <contract> [flags]", "supportledger history --help"}, args...)
	}
	fail(t, exitUsage, []string{"supportledger mails <command>"}, "mails")
	fail(t, exitUsage, []string{"supportledger mails show --data=DIR <mail> [flags]"}, "mails", "show")
}
