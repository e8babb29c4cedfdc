package postoffice_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

func person(name string) ledger.Person {
	return ledger.Person{Name: name, Email: strings.ToLower(name) + "@example.com", Language: "en"}
}

// partnered is a partner with its headquarters in Indonesia and a location in
// Singapore.
func (r *rig) partnered() (id, location uuid.UUID) {
	r.t.Helper()
	p, err := r.RegisterPartner(r.t.Context(), r.by(operator), partner.Register{
		Company: "Contoso", Level: "gold", Country: "ID", TimeZone: "Asia/Jakarta",
	}, person("Citra"))
	must(r.t, err)
	place, err := r.AddLocation(r.t.Context(), r.by(operator), p.ID, partner.AddLocation{Title: "Harbour", Country: "SG", TimeZone: "Asia/Singapore"}, person("Lim"))
	must(r.t, err)
	return p.ID, place.Location
}

func (r *rig) name(id, location uuid.UUID, primary bool, country string, who ledger.Person) {
	r.t.Helper()
	_, err := r.ChangeContact(r.t.Context(), r.by(operator), id, partner.ChangeContact{Location: location, Primary: primary, Country: country}, who)
	must(r.t, err)
}

func (r *rig) activate(id uuid.UUID) {
	r.t.Helper()
	_, err := r.Change(r.t.Context(), r.by(operator), id, &contract.Activate{Reason: "asked"})
	must(r.t, err)
}

// toldIDs are the addresses that IDs of a contract went to, one for each letter,
// in the order in which that was recorded.
func (r *rig) toldIDs(id uuid.UUID) string {
	r.t.Helper()
	var all []string
	for rec, err := range r.store.ReadStream(r.t.Context(), ledger.MailsOf(id), 0, eventstore.Forwards) {
		must(r.t, err)
		e, err := recorded.Decode(rec.Type, rec.Data)
		must(r.t, err)
		if sent, ok := e.(*recorded.Sent); ok && sent.Kind == recorded.IDs {
			must(r.t, r.OpenRecipient(r.t.Context(), &sent.Recipient))
			name, _, _ := strings.Cut(sent.Recipient.Clear.Email, "@")
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

func TestR29_TheIDsGoToWhoeverIsPrimaryContactThen(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	id, location := r.partnered()
	year, err := r.RenewMembership(t.Context(), r.by(operator), id, catalog.DateOf(r.Now(), time.UTC))
	must(t, err)
	kit, err := r.BuyToolkit(t.Context(), r.by(operator), id, partner.BuyToolkit{Location: location, Competency: "devices", Reference: "PO-1"})
	must(t, err)
	core, toolkit := year.Contracts[0], kit.Contracts[0]
	r.name(id, uuid.Nil, true, "ID", person("Dewi"))
	r.activate(core.ID)
	r.activate(toolkit.ID)
	r.name(id, uuid.Nil, true, "ID", person("Eka")) // later than the activation, and no letter is written yet
	reissued, err := r.Reissue(t.Context(), r.by(operator), toolkit.ID, nil, "leaked")
	must(t, err)
	r.open()
	r.untilKinds(map[mail.Kind]int{mail.IDs: 3})
	for what, c := range map[string]struct {
		id   uuid.UUID
		want string
	}{
		"the headquarters'":                  {core.ID, "dewi"},
		"the location's for a toolkit":       {toolkit.ID, "lim"},
		"and for what has replaced its pair": {reissued.ID, "lim"},
	} {
		if got := r.toldIDs(c.id); got != c.want {
			t.Errorf("%s: the IDs went to %q, want %q", what, got, c.want)
		}
	}
}

func TestR30_TheIDsAreSentAgainToWhoMayHaveThem(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	id, location := r.partnered()
	year, err := r.RenewMembership(t.Context(), r.by(operator), id, catalog.DateOf(r.Now(), time.UTC))
	must(t, err)
	core := year.Contracts[0]
	kit, err := r.BuyToolkit(t.Context(), r.by(operator), id, partner.BuyToolkit{Location: location, Competency: "devices", Reference: "PO-1"})
	must(t, err)
	toolkit := kit.Contracts[0]
	r.name(id, uuid.Nil, false, "ID", person("Hadi"))
	r.name(id, location, false, "SG", person("Tan"))
	ask := func(c uuid.UUID, to string) string {
		_, err := r.ResendIDs(t.Context(), r.by(operator), c, to, "lost")
		if refusal, ok := err.(*domain.Refusal); ok {
			return refusal.Code
		}
		must(t, err)
		return "asked"
	}
	if got := ask(core.ID, ""); got != "not-activated" {
		t.Errorf("of a blank contract: %s", got)
	}
	r.activate(core.ID)
	r.activate(toolkit.ID)
	for _, c := range []struct {
		what     string
		contract uuid.UUID
		to, want string
	}{
		{"the contact", core.ID, "", "asked"},
		{"the contact by name", core.ID, "citra@example.com", "asked"},
		{"an associated contact, where the region allows it", core.ID, "hadi@example.com", "asked"},
		{"not one in another country", core.ID, "tan@example.com", partner.RegionPolicy},
		{"not a stranger", core.ID, "zaki@example.com", partner.RegionPolicy},
		{"the location's contact", toolkit.ID, "", "asked"},
		{"not an associated contact, where the region does not allow it", toolkit.ID, "tan@example.com", partner.RegionPolicy},
		{"of a contract that there is not", uuid.New(), "", "contract-not-found"},
	} {
		if got := ask(c.contract, c.to); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	again := r.by(operator)
	first, err := r.ResendIDs(t.Context(), again, core.ID, "hadi@example.com", "")
	must(t, err)
	r.name(id, uuid.Nil, true, "ID", person("Hadi")) // and Citra is no contact any more
	repeat, err := r.ResendIDs(t.Context(), again, core.ID, "hadi@example.com", "")
	if must(t, err); !repeat.Replayed || repeat.Letter != first.Letter || repeat.Position != first.Position {
		t.Errorf("a repeat answers %+v, want %+v", repeat, first)
	}
	r.open()
	r.untilKinds(map[mail.Kind]int{mail.IDs: 7})
	if got, want := fmt.Sprint(count(r.toldIDs(core.ID)), count(r.toldIDs(toolkit.ID))), fmt.Sprint(map[string]int{"citra": 3, "hadi": 2}, map[string]int{"lim": 2}); got != want {
		t.Errorf("the IDs went to %s, want %s", got, want)
	}
	for _, text := range r.sent() {
		if !strings.Contains(text, "Contract ID") {
			t.Errorf("a letter without the IDs: %s", text)
		}
	}
}

// A contract of no partner has its own contact, and nobody else.
func TestR30_AContractOfNobodysIsToldToItsOwnContact(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	c := r.linked(1)
	_, err := r.ResendIDs(t.Context(), r.by(operator), c.ID, "hadi@example.com", "")
	if refusal, ok := err.(*domain.Refusal); !ok || refusal.Code != partner.RegionPolicy {
		t.Errorf("to a stranger: %v", err)
	}
	_, err = r.ResendIDs(t.Context(), r.by(operator), c.ID, "citra@example.com", "")
	must(t, err)
	_, err = r.ResendIDs(t.Context(), r.by(operator), c.ID, "", "")
	must(t, err)
	_, err = r.Change(t.Context(), r.by(operator), c.ID, &contract.Cancel{Reason: "over"})
	must(t, err)
	r.open()
	r.until("the letters that tell nothing true any more", func() bool { return r.count("mail.given-up.v1") == 2 })
	_, err = r.ResendIDs(t.Context(), r.by(operator), c.ID, "", "")
	if refusal, ok := err.(*domain.Refusal); !ok || refusal.Code != "cancelled" {
		t.Errorf("of a cancelled one: %v", err)
	}
}

func count(words string) map[string]int {
	n := map[string]int{}
	for _, word := range strings.Fields(words) {
		n[word]++
	}
	return n
}
