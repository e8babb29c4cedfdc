package projections

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A history is what random people do with a ledger.
type history struct {
	*rig
	contracts []ledger.ContractAnswer // with their IDs whole, where they were told
	incidents []ledger.IncidentRef

	partner        uuid.UUID
	advised, cases []ledger.IncidentRef
	purchases      int
}

// step does something at random. What the ledger refuses has not happened.
func (h *history) step(t *rapid.T) {
	var refusal *domain.Refusal
	if err := h.act(t); err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
}

func (h *history) act(t *rapid.T) error {
	what := rapid.IntRange(0, 18).Draw(t, "what")
	switch {
	case len(h.contracts) == 0 || what == 0:
		programme := rapid.SampledFrom([]string{"blank", "pack", "endless"}).Draw(t, "programme")
		h.contracts = append(h.contracts, h.register(programme))
		return nil
	case what == 1:
		h.later(time.Duration(rapid.SampledFrom([]int{1, 60, 24, 24 * 20, 24 * 200, 24 * 366}).Draw(t, "hours")) * time.Hour)
		return nil
	case what == 2 || what == 12:
		return h.succeed(t)
	case what >= 17:
		return h.partners(t)
	case what >= 15:
		return h.advise(t)
	case what >= 13:
		return h.mails(t)
	case what <= 5:
		return h.operate(t)
	case what <= 7 || len(h.incidents) == 0:
		return h.use(t)
	}
	return h.work(t)
}

func (h *history) some(t *rapid.T) ledger.ContractAnswer {
	return rapid.SampledFrom(h.contracts).Draw(t, "contract")
}

func (h *history) who(t *rapid.T) ledger.Actor {
	return rapid.SampledFrom([]ledger.Actor{ani, budi}).Draw(t, "who")
}

// operate is what operators do.
func (h *history) operate(t *rapid.T) error {
	quantity := int64(rapid.IntRange(-3, 3).Draw(t, "quantity"))
	wish := rapid.SampledFrom([]contract.Command{
		&contract.Activate{}, &contract.Suspend{Reason: "asked"}, &contract.Resume{Reason: "asked"}, &contract.Cancel{Reason: "asked"},
		&contract.AddGrant{Unit: contract.Incident, Quantity: max(quantity, 1), Reason: "more"},
		&contract.AddGrant{Unit: contract.Minute, Quantity: 30, ExpiresOn: dateOf(h.now().AddDate(0, 0, 3)), Reason: "more"},
		&contract.AddGrant{Unit: contract.Incident, Quantity: 2, ExpiresOn: dateOf(h.now().AddDate(0, 0, 9)), Reason: "more"},
		&contract.Adjust{Grant: contract.GrantID(rapid.IntRange(1, 3).Draw(t, "grant")), Quantity: quantity, Reason: "wrong"},
	}).Draw(t, "wish")
	_, err := h.Change(h.t.Context(), h.by(operator, "change"), h.some(t).ID, wish)
	return err
}

// succeed renews, reissues, or lets the worker look.
func (h *history) succeed(t *rapid.T) error {
	c := h.some(t)
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		answer, err := h.Renew(h.t.Context(), h.by(operator, "renew"), c.ID, "asked")
		if err == nil {
			h.contracts = append(h.contracts, answer)
		}
		return err
	case 1:
		keep := rapid.SampledFrom([][]uuid.UUID{nil, {ani.Account}, {budi.Account}}).Draw(t, "keep")
		answer, err := h.Reissue(h.t.Context(), h.by(operator, "reissue"), c.ID, keep, "leaked")
		if err == nil {
			h.contracts = append(h.contracts, answer)
		}
		return err
	}
	return h.Touch(h.t.Context(), c.ID)
}

// use is what customers do with contracts.
func (h *history) use(t *rapid.T) error {
	c, who := h.some(t), h.who(t)
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		if c.ContractID == "" {
			return nil
		}
		_, err := h.Link(h.t.Context(), h.by(who, "link"), ledger.Pair{AccessID: c.Terms.AccessID, ContractID: c.ContractID}, "desk", "")
		return err
	case 1:
		_, err := h.Unlink(h.t.Context(), h.by(who, "unlink"), c.ID, who.Account, "")
		return err
	case 2:
		return h.ask(who, request(uuid.Nil))
	}
	if c.ContractID == "" {
		return h.ask(who, request(c.ID))
	}
	wish := request(uuid.Nil)
	wish.Portal, wish.Product = "desk", "engine"
	wish.Pair = &ledger.Pair{AccessID: c.Terms.AccessID, ContractID: c.ContractID}
	return h.ask(who, wish)
}

func (h *history) ask(who ledger.Actor, wish *ledger.Submission) error {
	wish.Title = fmt.Sprint("Request ", len(h.incidents))
	if len(h.incidents)%3 == 1 { // some take a file along, some the same
		wish.Files = withFiles(len(h.incidents) % 4)
	}
	answer, err := h.Submit(h.t.Context(), h.by(who, "submit"), wish)
	if err != nil {
		return err
	}
	for r, err := range h.store.ReadAllBackwards(h.t.Context(), eventstore.LastPosition) {
		if err != nil {
			return err
		}
		stream, _ := ledger.ContractOf(r.Stream)
		h.incidents = append(h.incidents, ledger.IncidentRef{Number: answer.Number, Stream: stream, Owner: who.Account})
		return nil
	}
	return nil
}

// work is what people do with incidents.
func (h *history) work(t *rapid.T) error {
	ref := rapid.SampledFrom(h.incidents).Draw(t, "incident")
	code := rapid.SampledFrom([]string{"resolved", "product-defect"}).Draw(t, "code")
	ctx, by := h.t.Context(), h.by(engineer, "work")
	var err error
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		_, err = h.Comment(ctx, by, ref, "On it.")
	case 1:
		_, err = h.ChangeSeverity(ctx, by, ref, rapid.SampledFrom([]string{"A", "B"}).Draw(t, "severity"), "asked")
	case 2:
		_, err = h.Ledger.Close(ctx, by, ref, code, "Done.")
	case 3:
		_, err = h.Reopen(ctx, by, ref, "again")
	case 4:
		_, err = h.Reclassify(ctx, by, ref, code, "wrong")
	}
	return err
}
