package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
)

// A crowd asks a ledger for this and that; what it refuses does not matter.
type crowd struct {
	*rig
	rt        *rapid.T
	contracts []ledger.ContractAnswer
	incidents []ledger.IncidentRef
}

// Whatever a ledger was asked for, in whatever order and however much time went
// by, the log it has written keeps every law, and balances agree with the
// ledger's own.
func TestR21_R22_VerifyFindsNothingWrongWithAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &crowd{rig: newRig(t), rt: rt}
		defer c.store.Close()
		c.register()
		for range rapid.IntRange(10, 60).Draw(rt, "requests") {
			c.ask()
		}
		v := &audit.Verifier{Store: c.store, Pair: c.pairs}
		result, err := v.Verify(context.Background())
		must(t, err)
		if result.Finding != nil {
			rt.Fatal(result.Finding)
		}
		for _, contract := range c.contracts {
			c.compare(contract.ID)
			c.compareStatement(contract.ID)
		}
	})
}

func (c *crowd) compare(id uuid.UUID) {
	var own map[contract.Unit]contract.Balance
	must(c.t, c.View(context.Background(), id, func(s *contract.State, at time.Time) { own = s.Balances(at) }))
	got, err := c.auditor.BalanceAt(context.Background(), id, audit.Moment{})
	must(c.t, err)
	if fmt.Sprint(own) != fmt.Sprint(got.Balances) {
		c.rt.Fatalf("contract %s: the ledger says %v, the auditor %v", id, own, got.Balances)
	}
	page, err := c.auditor.History(context.Background(), id, audit.Place{}, 1000, c.Open)
	must(c.t, err)
	for _, item := range page.Items {
		for unit, b := range item.Balances {
			if !b.Holds() {
				c.rt.Fatalf("R22: %s after revision %d: %+v", unit, item.Revision, b)
			}
		}
	}
}

// allow fails for anything but a refusal, which is an answer.
func (c *crowd) allow(err error) {
	var refusal *domain.Refusal
	if err != nil && !errors.As(err, &refusal) {
		c.rt.Fatal(err)
	}
}

func (c *crowd) register() {
	answer, err := c.Register(context.Background(), c.by(operator, "register"), ledger.Registration{
		Programme: rapid.SampledFrom([]string{"blank", "pack", "endless"}).Draw(c.rt, "programme"),
		TimeZone:  rapid.SampledFrom([]string{"", "Asia/Jakarta", "America/Los_Angeles"}).Draw(c.rt, "zone"),
		Contact:   contract.ContactTexts{Name: "Citra", Email: "citra@example.com"},
	})
	must(c.t, err)
	c.contracts = append(c.contracts, answer)
	for _, who := range []ledger.Actor{ani, budi} {
		_, err := c.Change(context.Background(), c.by(operator, "activate"), answer.ID, &contract.Activate{})
		c.allow(err)
		_, err = c.Link(context.Background(), c.by(who, "link"), ledger.Pair{AccessID: answer.Terms.AccessID, ContractID: answer.ContractID}, "desk", "")
		c.allow(err)
	}
}

func (c *crowd) ask() {
	id := c.some()
	switch n := rapid.IntRange(0, 19).Draw(c.rt, "what"); {
	case n == 0:
		c.register()
	case n <= 3:
		c.wait()
	case n <= 4:
		c.advise(id)
	case n <= 9:
		c.spend(id)
	case n <= 14 && len(c.incidents) > 0:
		c.work()
	case n == 15:
		c.succeed(id)
	case n == 16:
		c.mail(id)
	default:
		c.operate(id)
	}
}

// some is one of the contracts.
func (c *crowd) some() uuid.UUID {
	return c.contracts[rapid.IntRange(0, len(c.contracts)-1).Draw(c.rt, "contract")].ID
}

func (c *crowd) wait() {
	hours := rapid.SampledFrom([]int{1, 24, 24 * 13, 24 * 15, 24 * 61, 24 * 200}).Draw(c.rt, "hours")
	must(c.t, c.clock.Set(c.clock.Now().Add(time.Duration(hours)*time.Hour)))
	if rapid.Bool().Draw(c.rt, "touch") {
		c.allow(c.Touch(context.Background(), c.some()))
	}
}

func (c *crowd) spend(id uuid.UUID) {
	who := []ledger.Actor{ani, budi}[rapid.IntRange(0, 1).Draw(c.rt, "who")]
	portal, product := "desk", "engine"
	if rapid.IntRange(0, 9).Draw(c.rt, "free") == 0 {
		id, portal, product = uuid.Nil, "free", "card"
	}
	answer, err := c.Submit(context.Background(), c.by(who, "submit"), &ledger.Submission{
		Submit: contract.Submit{
			Portal: portal, Product: product, ProblemType: "fault", Category: "crash", Severity: "A", Title: "It stopped", Agreement: "1",
		},
		Contract: id, Texts: contract.IncidentTexts{Name: "Ani", Email: "ani@example.com"},
	})
	if c.allow(err); err == nil {
		ref := ledger.IncidentRef{Number: answer.Number, Stream: id, Owner: who.Account}
		if id == uuid.Nil {
			ref.Stream = c.streamOf(answer.Position)
		}
		c.incidents = append(c.incidents, ref)
	}
}

// advise takes minutes from the grants that there are, and gives some back.
func (c *crowd) advise(id uuid.UUID) {
	ctx := context.Background()
	opened, err := c.OpenAdvisory(ctx, c.by(ani, "advice"), id, contract.OpenAdvisory{Title: "Which one"},
		contract.AdvisoryTexts{Name: "Ani", Email: "ani@example.com", Description: "?"})
	if c.allow(err); err != nil {
		return
	}
	ref := ledger.IncidentRef{Number: opened.Number, Stream: id, Owner: ani.Account}
	minutes := rapid.SampledFrom([]int64{30, 620, 690}).Draw(c.rt, "minutes")
	_, err = c.AdvisoryTime(ctx, c.by(engineer, "time"), ref, "e1", minutes, "Looked at it.")
	c.allow(err)
	_, err = c.AdvisoryCredit(ctx, c.by(engineer, "credit"), ref, "e1", rapid.Int64Range(1, minutes).Draw(c.rt, "credited"), "too much")
	c.allow(err)
}

func (c *crowd) work() {
	ref := c.incidents[rapid.IntRange(0, len(c.incidents)-1).Draw(c.rt, "incident")]
	closure := rapid.SampledFrom([]string{"resolved", "product-defect", "duplicate"}).Draw(c.rt, "closure")
	var err error
	switch rapid.IntRange(0, 6).Draw(c.rt, "work") {
	case 0:
		_, err = c.Comment(context.Background(), c.by(engineer, "comment"), ref, "Looking at it.")
	case 1:
		_, err = c.ChangeSeverity(context.Background(), c.by(engineer, "severity"), ref, rapid.SampledFrom([]string{"A", "B"}).Draw(c.rt, "severity"), "so")
	case 2:
		_, err = c.Reopen(context.Background(), c.by(engineer, "reopen"), ref, "again")
	case 3:
		_, err = c.Reclassify(context.Background(), c.by(engineer, "reclassify"), ref, closure, "so")
	default:
		_, err = c.Close(context.Background(), c.by(engineer, "close"), ref, closure, "done")
	}
	c.allow(err)
}

// mail records this or that of one of a few mails.
func (c *crowd) mail(id uuid.UUID) {
	about := letter(byte(rapid.IntRange(1, 3).Draw(c.rt, "mail")), c.records()[0].ID)
	ctx := context.Background()
	for range rapid.IntRange(1, 4).Draw(c.rt, "steps") {
		var err error
		switch rapid.IntRange(0, 2).Draw(c.rt, "step") {
		case 0:
			_, err = c.RecordSent(ctx, postOffice, id, mail.RecordSent{Letter: about, Recipient: c.sealed(""), Try: 1, MessageID: "<m@example.com>"})
		case 1:
			_, err = c.RecordGivenUp(ctx, postOffice, id, mail.RecordGivenUp{Letter: about, Reason: "erased"})
		case 2:
			_, err = c.ResendMail(ctx, c.by(operator, "resend"), id, about.Mail, "asked")
		}
		c.allow(err)
	}
}

func (c *crowd) succeed(id uuid.UUID) {
	var answer ledger.ContractAnswer
	var err error
	if rapid.Bool().Draw(c.rt, "renew") {
		answer, err = c.Renew(context.Background(), c.by(operator, "renew"), id, "one more year")
	} else {
		answer, err = c.Reissue(context.Background(), c.by(operator, "reissue"), id, nil, "leaked")
	}
	if c.allow(err); err == nil {
		c.contracts = append(c.contracts, answer)
	}
}

func (c *crowd) operate(id uuid.UUID) {
	day := catalog.DateOf(c.clock.Now(), time.UTC).AddDays(rapid.IntRange(0, 60).Draw(c.rt, "days"))
	wish := rapid.SampledFrom([]contract.Command{
		&contract.Suspend{Reason: "so"}, &contract.Resume{Reason: "so"}, &contract.Cancel{Reason: "so"},
		&contract.AddGrant{Unit: contract.Incident, Quantity: 2, Reason: "so"},
		&contract.AddGrant{Unit: contract.Incident, Quantity: 1, ExpiresOn: day, Reason: "so"},
		&contract.AddGrant{Unit: contract.Minute, Quantity: 90, Reason: "so"},
		&contract.Adjust{Grant: 1, Quantity: 1, Reason: "so"}, &contract.Adjust{Grant: 2, Quantity: -1, Reason: "so"},
		&contract.Activate{Reason: "so"},
	}).Draw(c.rt, "wish")
	_, err := c.Change(context.Background(), c.by(operator, "operate"), id, wish)
	c.allow(err)
}
