package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/projections"
)

// A partnerYear is what the demo tells of a partner: a membership year that is
// over by now, on a clock that goes through it.
type partnerYear struct {
	*story
	zone    *time.Location
	first   catalog.Date // of the year
	partner string
	core    pack
	told    strings.Builder // printed when its turn comes
}

// partnerBegins is the first moment of the story: a year and some days ago, so that
// the year is over when the clock has come to the present.
func partnerBegins(now time.Time) time.Time { return now.AddDate(-1, 0, -3) }

func newPartnerYear(s *story) (*partnerYear, error) {
	zone, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		return nil, fmt.Errorf("find zone: %w", err)
	}
	y := &partnerYear{story: s, zone: zone}
	y.first = catalog.DateOf(s.service.clock.Now(), zone)
	return y, nil
}

// say adds a line, with the day on which it happens.
func (y *partnerYear) say(text string, args ...any) {
	fmt.Fprintf(&y.told, "  %s  %s\n", y.service.clock.Now().In(y.zone).Format("2006-01-02 15:04:05"), fmt.Sprintf(text, args...))
}

func (y *partnerYear) setTo(at time.Time) error {
	return y.post("admin", "/v1/test-clock", fields{"now": at.UTC().Format(time.RFC3339)}, nil)
}

// live goes through the year, up to the present; a ledger whose clock has been
// there already has no other one.
func (y *partnerYear) live(now time.Time) error {
	if y.service.clock.Now().After(partnerBegins(now)) {
		return nil
	}
	for _, step := range []func() error{y.renews, y.comesToLife, y.isUsed, y.ends} {
		if err := step(); err != nil {
			return fmt.Errorf("a partner's year: %w", err)
		}
	}
	return y.setTo(now)
}

// print shows what was told.
func (y *partnerYear) print() {
	if y.told.Len() > 0 {
		fmt.Fprintf(y.terminal.out, "\na partner's year, which is over by now (Asia/Jakarta):\n\n%s", y.told.String())
	}
}

func (y *partnerYear) renews() error {
	var p struct{ ID string }
	err := y.post("operator", "/v1/partners", fields{
		"name": "Contoso", "level": "gold", "signature": true, "country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": fields{"name": "Citra Lestari", "email": "citra@example.com", "language": "id"},
	}, &p)
	if err != nil {
		return err
	}
	y.partner = p.ID
	y.tokens["partner"], err = y.service.issuer.Issue(token.Claims{Subject: "dewi", Roles: []string{"customer"}, PartnerID: p.ID}, devIssued)
	if err != nil {
		return err
	}
	var year struct{ Contracts []pack }
	if err := y.post("operator", "/v1/partners/"+p.ID+"/membership-renewals", fields{"renewed_on": y.first.String()}, &year); err != nil {
		return err
	}
	y.core = year.Contracts[0]
	y.say("Contoso, a Gold partner with Signature, renews its membership: %d contracts, blank", len(year.Contracts))
	return nil
}

// ids are those that a letter tells.
var ids = regexp.MustCompile(`Access ID: +(\d+)\s+Contract ID: +(\d+)`)

func (y *partnerYear) comesToLife() error {
	var due struct {
		Items []struct {
			At       time.Time
			Contract string
			What     string
		}
	}
	if err := y.do("operator", http.MethodGet, "/v1/due", nil, &due); err != nil {
		return err
	}
	if len(due.Items) == 0 || due.Items[0].What != "activation" {
		return fmt.Errorf("nothing comes to life: %+v", due.Items)
	}
	if err := y.setTo(due.Items[0].At); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(y.ctx, echoPatience)
	defer cancel()
	path, err := y.mailed(ctx, projections.MailFilter{Contract: uuid.MustParse(y.core.ID), Kind: mail.IDs, Status: mail.StatusSent})
	if err != nil {
		return fmt.Errorf("wait for the IDs: %w", err)
	}
	letter, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	told := ids.FindSubmatch(letter)
	if told == nil {
		return errors.New("the letter tells no IDs")
	}
	y.core.AccessID, y.core.ContractID = string(told[1]), string(told[2])
	y.say("in the fourth week both come to life by themselves; the IDs go to the headquarters' contact, by mail")
	return nil
}

func (y *partnerYear) isUsed() error {
	if err := y.setTo(y.service.clock.Now().AddDate(0, 1, 0)); err != nil {
		return err
	}
	err := y.post("customer-citra", "/v1/links", fields{"access_id": y.core.AccessID, "contract_id": y.core.ContractID, "portal": "oas"}, nil)
	if err != nil {
		return err
	}
	in, err := y.submit("customer-citra", y.core.ID)
	if err != nil {
		return err
	}
	y.say("somebody at a location links %s and submits: %d left", y.core.Label, *in.Remaining)
	if err := y.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": "product-defect", "resolution": "See the update."}, &in); err != nil {
		return err
	}
	y.say("it is closed as a product defect, and credited back: %d left", *in.Remaining)
	var advice struct{ Number string }
	err = y.post("partner", "/v1/advisory-requests", fields{
		"contract": y.core.ID, "title": "Which edition", "description": "Which edition fits?", "contact": fields{"name": "Dewi", "email": "dewi@example.com"},
	}, &advice)
	if err != nil {
		return err
	}
	if err := y.post("engineer", "/v1/advisory-requests/"+advice.Number+"/time", fields{"entry": "e1", "minutes": 90, "text": "A call."}, nil); err != nil {
		return err
	}
	y.say("advice is asked for and given, without the IDs: 90 minutes of 50 h")
	return nil
}

// ends goes to the last second, and over it.
func (y *partnerYear) ends() error {
	end := y.first.AddYear().StartOf(y.zone)
	if err := y.setTo(end.Add(-time.Second)); err != nil {
		return err
	}
	in, err := y.submit("customer-citra", y.core.ID)
	if err != nil {
		return err
	}
	y.say("in the last second of the year one more is submitted: %d left", *in.Remaining)
	if err := y.setTo(end); err != nil {
		return err
	}
	refused := new(problem)
	if _, err := y.submit("customer-citra", y.core.ID); !errors.As(err, &refused) {
		return fmt.Errorf("after the end it ends in %w", err)
	}
	y.say("a second later: %s; what was left has lapsed", refused.Code)
	return y.post("operator", "/v1/partners/"+y.partner+"/membership-renewals", fields{"renewed_on": y.first.AddYear().String()}, nil)
}
