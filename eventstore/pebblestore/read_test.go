package pebblestore_test

import (
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

// Short streams are read newest first and turned round, longer ones are not:
// nobody can tell, wherever a read begins.
func TestStreamsOfAnyLengthAreReadFromAnywhere(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	defer func() { _ = s.Close() }()
	const frames = 150 // of two events
	head := eventstore.NoStream
	for n := range frames {
		for _, stream := range []string{"caller", "caller-0", "caller-00"} { // neighbours
			if _, err := s.Append(soon(t), facts(stream, head)); err != nil {
				t.Fatal(err)
			}
		}
		head += 2
		if n%10 != 0 && (n < 61 || n > 66) {
			continue
		}
		for from := eventstore.Revision(0); from <= head+1; from++ {
			want := from
			for r, err := range s.ReadStream(soon(t), "caller-0", from, eventstore.Forwards) {
				if err != nil || r.Revision != want || r.ID != fact("caller-0", want).ID {
					t.Fatalf("of %d, from %d: revision %d, %v, want %d", head+1, from, r.Revision, err, want)
				}
				if want++; want > from+20 && want < head-3 {
					break // the rest is read from elsewhere
				}
			}
			if want <= head && want <= from+20 {
				t.Fatalf("of %d, from %d: ends before %d", head+1, from, want)
			}
		}
	}
}
