package notifications_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// R38: what a message looks like is a contract with whoever listens.
func TestR38_TheFormOfAMessageNeverChanges(t *testing.T) {
	r := newRig(t)
	registered := &contract.Registered{
		AccessID: "0230242323", ContractID: []byte("ciphertext"), Programme: "partner-gold", ServiceName: "Partner Support Gold 20Pack",
		Short: "GOLD", Covers: []string{"on-premises"}, Portals: []string{"oas"}, Country: "ID", TimeZone: "Asia/Jakarta",
		Contact:  domain.Sealed[contract.ContactTexts]{Person: installation, Box: []byte("contact")},
		Language: "id", RegisteredOn: catalog.Date{Year: 2026, Month: 3, Day: 1},
	}
	stream := uuid.MustParse("0c5e7b9a-5b1c-8d3e-9f00-112233445566")
	r.record(stream, registered)
	r.record(stream, &contract.Suspended{Reason: "unpaid"})
	r.recordRaw("guesses", eventstore.NoStream, "link.refused.v1", meta("mpn"), &guessing.Refused{Account: installation, Portal: "mpn"})
	r.recordRaw("numbers-260301", eventstore.NoStream, "numbers.reserved.v1", meta(""), map[string]int{"first": 0, "count": 64})
	r.recordRaw("0c5e7b9a-5b1c-8d3e-9f00-112233445566", 1, "contract.resumed.v1", bare(), &contract.Resumed{Reason: "paid"})
	r.startFeed()
	r.caughtUp()
	var said bytes.Buffer
	for _, m := range r.messages() {
		said.WriteString(render(m))
	}
	golden(t, "messages.txt", said.String())
}

// render writes a message down as it travels.
func render(m *jetstream.RawStreamMsg) string {
	var b strings.Builder
	fmt.Fprintln(&b, m.Subject)
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(m.Header[name], ", "))
	}
	fmt.Fprintf(&b, "\n%s\n\n", m.Data)
	return b.String()
}

// golden compares with what was written down before.
func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(have), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if have != string(want) {
		t.Errorf("%s has\n%s\nnow it is\n%s", path, want, have)
	}
}

// R42: a record that the feed does not know stops it, by name; none is left out.
func TestR42_ARecordOfAnUnknownTypeStopsTheFeed(t *testing.T) {
	for eventType, why := range map[string]string{
		"weather.changed.v1": "nobody has decided whether subscribers are told about",
		"contract.danced.v1": "contract.danced.v1",
	} {
		t.Run(eventType, func(t *testing.T) {
			r := newRig(t)
			r.append(3)
			r.recordRaw("odd", eventstore.NoStream, eventType, meta(""), map[string]string{})
			r.append(3)
			r.feed = r.newFeed(installation, 1)
			err := r.feed.Run(context.Background())
			if err == nil || !strings.Contains(err.Error(), "the feed stops at position 4, "+eventType+" of stream odd@0") || !strings.Contains(err.Error(), why) {
				t.Errorf("the feed ended with %v", err)
			}
			r.mustMeasure("supportledger_feed_stopped", 1)
			if n := len(r.messages()); n > 3 {
				t.Errorf("%d messages were published", n)
			}
		})
	}
}

// R3: a stream without a UUID has one that everybody can compute.
func TestR38_StreamsHaveUUIDs(t *testing.T) {
	for name, want := range map[string]string{
		"0c5e7b9a-5b1c-8d3e-9f00-112233445566": "0c5e7b9a-5b1c-8d3e-9f00-112233445566",
		"guesses":                              "aac260a9-7635-5b1a-b279-6c7a6df05fbf",
	} {
		if got := ledger.StreamID(name).String(); got != want {
			t.Errorf("stream %s is %s, want %s", name, got, want)
		}
	}
}
