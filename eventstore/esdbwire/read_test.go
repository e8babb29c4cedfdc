package esdbwire_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// received takes a read to its end.
func received(t *testing.T, read *client.ReadStream, err error) (all []string) {
	t.Helper()
	must(t, err)
	defer read.Close()
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all = append(all, placeOf(e))
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

func reversed(all []string) []string {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

func (r *rig) some() {
	r.write("a", "one", "two", "three")
	r.write("b", "one", "two")
	r.write("a", "four", "five")
	r.write("c", "one")
}

func TestStreamsAreReadFromAnywhere(t *testing.T) {
	r := newRig(t)
	r.some()
	c := r.connect()
	want := places(r.streamOf("a"))
	for from := range uint64(7) {
		n := min(int(from), len(want))
		read, err := c.ReadStream(soon(t), "a", client.ReadStreamOptions{From: client.Revision(from)}, 100)
		same(t, "forwards", received(t, read, err), want[n:])
		read, err = c.ReadStream(soon(t), "a", client.ReadStreamOptions{From: client.Revision(from), Direction: client.Backwards}, 100)
		same(t, "backwards", received(t, read, err), reversed(want[:min(n+1, len(want))]))
	}
	for what, x := range map[string]struct {
		options client.ReadStreamOptions
		count   uint64
		want    []string
	}{
		"from the start":                {client.ReadStreamOptions{From: client.Start{}}, 2, want[:2]},
		"from the end":                  {client.ReadStreamOptions{From: client.End{}}, 2, nil},
		"backwards from the end":        {client.ReadStreamOptions{From: client.End{}, Direction: client.Backwards}, 2, reversed(want)[:2]},
		"backwards from the start: one": {client.ReadStreamOptions{From: client.Start{}, Direction: client.Backwards}, 9, want[:1]},
	} {
		read, err := c.ReadStream(soon(t), "a", x.options, x.count)
		same(t, what, received(t, read, err), x.want)
	}
	read, err := c.ReadStream(soon(t), "none", client.ReadStreamOptions{}, 1)
	must(t, err)
	_, err = read.Recv()
	var e *client.Error
	if !errors.As(err, &e) || e.Code() != client.ErrorCodeResourceNotFound {
		t.Fatalf("a stream that is not there: %v", err)
	}
}

func (r *rig) streamOf(name string) (records []eventstore.Record) {
	for record, err := range r.store.ReadStream(soon(r.t), name, 0, eventstore.Forwards) {
		must(r.t, err)
		records = append(records, record)
	}
	return records
}

func TestAllIsReadFromAnywhere(t *testing.T) {
	r := newRig(t)
	r.some()
	c := r.connect()
	records := r.all()
	want := places(records)
	for i, record := range records {
		at := client.Position{Commit: uint64(record.Position), Prepare: uint64(record.Position)}
		read, err := c.ReadAll(soon(t), client.ReadAllOptions{From: at}, 100)
		same(t, "forwards: that one, too", received(t, read, err), want[i:])
		read, err = c.ReadAll(soon(t), client.ReadAllOptions{From: at, Direction: client.Backwards}, 100)
		same(t, "backwards: those before", received(t, read, err), reversed(want[:i]))
	}
	for what, x := range map[string]struct {
		options client.ReadAllOptions
		want    []string
	}{
		"from the start":           {client.ReadAllOptions{From: client.Start{}}, want[:3]},
		"from the end":             {client.ReadAllOptions{From: client.End{}}, nil},
		"backwards from the end":   {client.ReadAllOptions{From: client.End{}, Direction: client.Backwards}, reversed(want)[:3]},
		"backwards from the start": {client.ReadAllOptions{From: client.Start{}, Direction: client.Backwards}, nil},
	} {
		read, err := c.ReadAll(soon(t), x.options, 3)
		same(t, what, received(t, read, err), x.want)
	}
}

// An event is what was recorded, to the bit.
func TestAnEventIsWhatWasRecorded(t *testing.T) {
	r := newRig(t)
	r.some()
	read, err := r.connect().ReadStream(soon(t), "a", client.ReadStreamOptions{}, 1)
	must(t, err)
	defer read.Close()
	e, err := read.Recv()
	must(t, err)
	want, got := r.streamOf("a")[0], e.OriginalEvent()
	if got.EventID != want.ID || got.EventType != want.Type || string(got.Data) != string(want.Data) || string(got.UserMetadata) != string(want.Meta) ||
		!got.CreatedDate.Equal(want.RecordedAt) || got.ContentType != "application/json" || e.Commit == nil || *e.Commit != uint64(want.Position) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// A page backwards begins where the one before has ended.
func TestAllIsPagedBackwards(t *testing.T) {
	r := newRig(t)
	for range 20 {
		r.some()
	}
	c := r.connect()
	var got []string
	var from client.AllPosition = client.End{}
	for {
		read, err := c.ReadAll(soon(t), client.ReadAllOptions{From: from, Direction: client.Backwards}, 7)
		must(t, err)
		n := 0
		for ; ; n++ {
			e, err := read.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			got, from = append(got, placeOf(e)), e.OriginalEvent().Position
		}
		if n == 0 {
			break
		}
	}
	same(t, "all pages", got, reversed(places(r.all())))
}
