package contract

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

func drawSubmitted(t *rapid.T) *IncidentSubmitted {
	text := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9 .-]{0,12}`), rapid.String())
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC()
	})
	e := &IncidentSubmitted{
		Number: Number(rapid.Uint64Range(0, 999_999_999_999_999).Draw(t, "number")), Account: drawUUID(t),
		Response: catalog.Response{Time: "PT2H", Hours: "always", DueAt: instant.Draw(t, "due")},
		Texts:    domain.Sealed[IncidentTexts]{Person: drawUUID(t), Box: rapid.SliceOf(rapid.Byte()).Draw(t, "box")},
		OpenedAt: instant.Draw(t, "opened"),
	}
	for _, field := range []*string{
		&e.Portal, &e.Product, &e.Family, &e.Usage, &e.ProblemType, &e.Category, &e.Subscription, &e.Service,
		&e.Title, &e.Severity, &e.Country, &e.Language, &e.Agreement,
	} {
		*field = text.Draw(t, "text")
	}
	return e
}

func drawUUID(t *rapid.T) uuid.UUID {
	return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
}

func TestEventsWrittenByHandAreWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := rapid.Int64().Draw(t, "left")
		for _, e := range []Event{
			drawSubmitted(t),
			&IncidentDeducted{Number: 7, Grant: 3, Unit: Incident, Quantity: 1, Remaining: &left},
			&IncidentDeducted{Number: Number(left & 0xffff), Grant: 12, Unit: Minute, Quantity: left, Unlimited: true},
		} {
			want, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := Append(nil, e); string(got) != string(want) {
				t.Fatalf("%s is written as\n%s, want\n%s", e.Name(), got, want)
			}
		}
	})
}

func TestTheQuickDecoderReadsWhatEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := rapid.Int64().Draw(t, "left")
		for _, e := range []Event{
			drawSubmitted(t),
			&IncidentDeducted{Number: 7, Grant: 3, Unit: Incident, Quantity: 1, Remaining: &left},
			&IncidentDeducted{Number: Number(left & 0xffff), Grant: 12, Unit: Minute, Quantity: left, Unlimited: true},
		} {
			data, err := Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			want := newEvent[e.Name()]()
			if err := json.Unmarshal(data, want); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(e.Name(), data)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s is read as\n%+v, want\n%+v (%v)", data, got, want, err)
			}
			if cut := data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]; decodePlain(e.Name(), cut) != nil {
				t.Fatalf("a part is taken for the whole: %s", cut)
			}
		}
	})
}

func TestTheQuickDecoderIsUsedForWhatSubmissionsWrite(t *testing.T) {
	e := &IncidentSubmitted{Title: "It stopped", OpenedAt: time.Now().UTC(), Texts: domain.Sealed[IncidentTexts]{Box: []byte{1}}}
	data, _ := Append(nil, e)
	if decodePlain(e.Name(), data) == nil {
		t.Error("the plain form is not recognised")
	}
}

func TestSkimmingARecordComesToTheSameAsDecodingIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		submitted := drawSubmitted(t)
		deducted := &IncidentDeducted{Number: submitted.Number, Grant: 1, Unit: Incident, Quantity: 1}
		skimmed, decoded := withOneGrant(), withOneGrant()
		for _, e := range []Event{submitted, deducted} {
			data, err := Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			if err := Replay(skimmed, e.Name(), data); err != nil {
				t.Fatal(err)
			}
			full, err := Decode(e.Name(), data)
			if err != nil {
				t.Fatal(err)
			}
			Evolve(decoded, full)
		}
		if !reflect.DeepEqual(skimmed, decoded) {
			t.Fatalf("skimmed\n%+v, decoded\n%+v", skimmed.incidents[submitted.Number], decoded.incidents[submitted.Number])
		}
	})
}

// Of a submission's two records a state keeps one incident. The rest is room in
// its map, which grows now and then.
func TestReplayingASubmissionLeavesLittleGarbage(t *testing.T) {
	const submissions = 1000
	var submitted, deducted [][]byte
	for i := range submissions + 1 { // AllocsPerRun warms up once
		e := plainSubmission()
		e.Number += Number(i)
		data, _ := Append(nil, e)
		submitted = append(submitted, data)
		data, _ = Append(nil, &IncidentDeducted{Number: e.Number, Grant: 1, Unit: Incident, Quantity: 1})
		deducted = append(deducted, data)
	}
	s, next := withOneGrant(), 0
	allocs := testing.AllocsPerRun(submissions, func() {
		if err := errors.Join(Replay(s, submittedName, submitted[next]), Replay(s, deductedName, deducted[next])); err != nil {
			t.Fatal(err)
		}
		next++
	})
	if len(s.incidents) != submissions+1 || allocs > 2 {
		t.Errorf("%d incidents, with %v allocations each", len(s.incidents), allocs)
	}
}

func plainSubmission() *IncidentSubmitted {
	return &IncidentSubmitted{
		Number: 261122123456789, Account: uuid.New(), Portal: "oas", Product: "windows-8.1", Family: "on-premises",
		ProblemType: "installation", Category: "setup", Severity: "B", Title: "Setup stops at 80 percent", Country: "ID",
		Response: catalog.Response{Time: "PT4H", Hours: "business", DueAt: time.Now().UTC()},
		Texts:    domain.Sealed[IncidentTexts]{Person: uuid.New(), Box: make([]byte, 400)}, Agreement: "2015-01", OpenedAt: time.Now().UTC(),
	}
}

// withOneGrant is a contract with one grant.
func withOneGrant() *State {
	s := new(State)
	Evolve(s, &Registered{TimeZone: "UTC"}, &GrantAdded{Grant: 1, Unit: Incident, Quantity: 5, Source: Added})
	return s
}

func BenchmarkDecode(b *testing.B) {
	e := plainSubmission()
	data, _ := Append(nil, e)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(e.Name(), data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	data, _ := Append(nil, plainSubmission())
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var skimmed IncidentSubmitted
		if err := skimmed.skim(data); err != nil {
			b.Fatal(err)
		}
	}
}
