package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/contract"
)

// A story is what the demo tells: everything goes through HTTP, as people do it,
// and the table is what the log says afterwards.
type story struct {
	*caller
	service   *service
	terminal  *terminal
	agreement string
	names     map[uuid.UUID]string
	gold      pack // what it is about
}

func newStory(ctx context.Context, v *service, base string, t *terminal) (*story, error) {
	tokens, err := makeDevTokens(v.issuer, v.catalog)
	if err != nil {
		return nil, err
	}
	s := &story{
		caller:  &caller{ctx: ctx, base: base, tokens: tokens, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: racers}}},
		service: v, terminal: t, agreement: v.catalog.Agreement.Version, names: make(map[uuid.UUID]string),
	}
	for name := range devPeople {
		s.names[v.keys.Account(token.BuiltIn, name)] = name
	}
	return s, nil
}

// A pack is a contract that was registered.
type pack struct {
	ID         string `json:"id"`
	AccessID   string `json:"access_id"`
	ContractID string `json:"contract_id"`
	Label      string `json:"label"`
}

type incident struct {
	Number    string `json:"number"`
	Remaining *int64 `json:"remaining"`
	Counted   *bool  `json:"counted"`
}

type fields map[string]any

func (s *story) tell() error {
	defer s.client.CloseIdleConnections()
	gold, err := s.goldPack()
	if err != nil {
		return err
	}
	s.gold = gold
	if err := s.print(gold); err != nil {
		return err
	}
	return s.race()
}

// goldPack is the main story: registered, activated, linked, spent, closed as
// nobody's fault, credited back; spent again, and closed for good.
func (s *story) goldPack() (pack, error) {
	var p pack
	err := s.post("operator", "/v1/contracts", fields{
		"programme": "gold", "partner_id": "4648141", "country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": fields{"name": "Citra Lestari", "email": "citra@example.com", "language": "id"},
	}, &p)
	if err != nil {
		return p, err
	}
	activate := func() error {
		return s.post("operator", "/v1/contracts/"+p.ID+"/activate", fields{"reason": "membership renewed"}, nil)
	}
	link := func() error {
		return s.post("customer-ani", "/v1/links", fields{"access_id": p.AccessID, "contract_id": p.ContractID, "portal": "mpn"}, nil)
	}
	for _, step := range []func() error{activate, link} {
		if err := step(); err != nil {
			return p, err
		}
	}
	for _, closure := range []string{"product-defect", "resolved"} {
		in, err := s.submit("customer-ani", p.ID)
		if err != nil {
			return p, err
		}
		err = s.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": closure, "resolution": "See the update."}, nil)
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s *story) submit(as, contract string) (in incident, err error) {
	err = s.post(as, "/v1/incidents", fields{
		"portal": "mpn", "product": demoProduct.id, "problem_type": demoProduct.problemType, "category": demoProduct.category,
		"payment":  fields{"contract": contract},
		"contact":  fields{"name": "Ani Wijaya", "email": "ani@example.com", "phone": "+62 21 555 0100", "language": "id"},
		"severity": "B", "title": "It does not start", "description": "Since the update it stops at the logo.",
		"agreement": fields{"version": s.agreement, "accepted": true},
	}, &in)
	return in, err
}

// demoProduct is what the demo's incidents are about.
var demoProduct = struct{ id, problemType, category string }{"windows-8.1", "updates", "after-update"}

// print shows the contract's history, as the auditor sees it.
func (s *story) print(p pack) error {
	fmt.Fprintf(s.terminal.out, "%s\n\n", p.Label)
	w := tabwriter.NewWriter(s.terminal.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EVENT\tWHO\tDEDUCTED OR CREDITED\tREMAINING")
	var last units
	for item, err := range s.service.auditor.Replay(s.ctx, uuid.MustParse(p.ID), nil) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", strings.TrimSuffix(item.Type, ".v1"), s.whoIs(item.By.Account),
			moved(last, item.Balances), remaining(item.Balances))
		last = item.Balances
	}
	return w.Flush()
}

func (s *story) whoIs(account uuid.UUID) string {
	if name, ok := s.names[account]; ok {
		return name
	}
	return "the ledger"
}

type units = map[contract.Unit]contract.Balance

// moved says in words how an event moved the balances.
func moved(before, after units) string {
	switch d := after[contract.Incident].Consumed - before[contract.Incident].Consumed; {
	case d > 0:
		return fmt.Sprintf("deducted %d", d)
	case d < 0:
		return fmt.Sprintf("credited back %d", -d)
	}
	if d := after[contract.Incident].Granted - before[contract.Incident].Granted; d > 0 {
		return fmt.Sprintf("granted %d", d)
	}
	if d := after[contract.Minute].Granted - before[contract.Minute].Granted; d > 0 {
		return fmt.Sprintf("granted %d h of advice", d/60)
	}
	return ""
}

// remaining is what is left; nothing is shown before anything was granted.
func remaining(after units) string {
	if after[contract.Incident] == (contract.Balance{}) {
		return ""
	}
	text := left(after[contract.Incident])
	if m := after[contract.Minute]; m.Available > 0 {
		text += fmt.Sprintf(", %d h", m.Available/60)
	}
	return text
}

// racers is how many ask at once for the last incident.
const racers = 64

// race has many ask for the last incident of a contract at once.
func (s *story) race() error {
	var p pack
	err := s.post("operator", "/v1/contracts", fields{
		"programme": "bizspark", "country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": fields{"name": "Budi Santoso", "email": "budi@example.com"},
	}, &p)
	if err != nil {
		return err
	}
	err = s.post("customer-budi", "/v1/links", fields{"access_id": p.AccessID, "contract_id": p.ContractID, "portal": "mpn"}, nil)
	if err != nil {
		return err
	}
	if _, err := s.submit("customer-budi", p.ID); err != nil {
		return err
	}
	errs := make([]error, racers)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { _, errs[i] = s.submit("customer-budi", p.ID) })
	}
	callers.Wait()
	won := 0
	for _, err := range errs {
		refused := new(problem)
		switch {
		case err == nil:
			won++
		case !errors.As(err, &refused) || refused.Code != "none-available":
			return err
		}
	}
	fmt.Fprintf(s.terminal.out, "\n%s: %d ask at once for the last incident; %d gets it, %d are told none-available\n", p.Label, racers, won, racers-won)
	if won != 1 {
		return fmt.Errorf("%d of %d got the last incident", won, racers)
	}
	return nil
}
