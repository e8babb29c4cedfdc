package mail

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
)

// wishes are random commands about three mails.
func wishes() *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		mail := rapid.SampledFrom([]uuid.UUID{first, second, cause}).Draw(t, "mail")
		switch rapid.IntRange(0, 2).Draw(t, "wish") {
		case 0:
			return recordSent(mail, rapid.IntRange(0, 3).Draw(t, "try"))
		case 1:
			return recordGivenUp(mail)
		}
		return &Resend{Mail: mail, At: now}
	})
}

// TestR39_Laws holds over any history: a mail is sent once and then at rest;
// deciding changes nothing; every wish that was granted holds; events survive
// being written, and replaying them comes to the same state.
func TestR39_Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var live, replayed State
		ended := map[uuid.UUID]bool{}
		for _, wish := range rapid.SliceOfN(wishes(), 1, 30).Draw(t, "wishes") {
			before := live.Version()
			events, err := Decide(&live, wish)
			if refusal, ok := errors.AsType[*domain.Refusal](err); err != nil && (!ok || len(events) > 0 || refusal.Code == "") {
				t.Fatalf("%+v: %v with %v", wish, err, events)
			}
			if live.Version() != before {
				t.Fatalf("deciding %+v changed the state", wish)
			}
			for _, e := range events {
				mail := letterOf(e).Mail
				if ended[mail] {
					t.Fatalf("%s was recorded of a mail that was sent", e.Name())
				}
				_, ended[mail] = e.(*Sent)
				record(t, &replayed, e)
			}
			Evolve(&live, events...)
			if again, err := Decide(&live, wish); len(events) > 0 && (len(again) > 0 || err != nil) {
				t.Fatalf("%+v was granted, and asked again it is %v (%v)", wish, again, err)
			}
			if !reflect.DeepEqual(live, replayed) {
				t.Fatalf("live\n%+v, replayed\n%+v", live, replayed)
			}
		}
	})
}

func letterOf(e Event) Letter {
	switch e := e.(type) {
	case *Sent:
		return e.Letter
	case *GivenUp:
		return e.Letter
	case *Requested:
		return e.Letter
	}
	return Letter{}
}

// record writes an event and replays it.
func record(t *rapid.T, s *State, e Event) {
	data, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Decode(e.Name(), data)
	if err != nil || !reflect.DeepEqual(read, e) {
		t.Fatalf("written and read again: %+v (%v), want %+v", read, err, e)
	}
	if err := Replay(s, e.Name(), data); err != nil {
		t.Fatal(err)
	}
}

// TestReplayKnowsEveryForm gives Replay what Encode would write otherwise.
func TestReplayKnowsEveryForm(t *testing.T) {
	for _, data := range []string{
		`{"mail":"` + first.String() + `"}`,
		`{ "mail": "` + first.String() + `" }`,
		`{"kind":"closed","mail":"` + first.String() + `"}`,
		`{"mail":"{` + first.String() + `}"}`,
	} {
		var s State
		if err := Replay(&s, sentName, []byte(data)); err != nil || s.Standing(first).Status != StatusSent || s.Version() != 1 {
			t.Errorf("%s comes to %+v (%v)", data, s, err)
		}
	}
}
