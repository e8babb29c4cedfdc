package projections

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/ledger"
)

// A newRequest is what never changes of a request, of whatever kind.
type newRequest struct {
	kind                          string
	account, about                uuid.UUID
	portal, product               string
	problemType, category         string
	subscription, title, language string
}

// numberOf is the request that an event is about, and whether the event opens it;
// ok is false for events about something else.
func numberOf(e domain.Event) (n contract.Number, opens, ok bool) {
	switch e := e.(type) {
	case *contract.IncidentSubmitted:
		return e.Number, true, true
	case *contract.AdvisoryOpened:
		return e.Number, true, true
	case *programcase.Opened:
		return e.Number, true, true
	case *programcase.Closed:
		return e.Number, false, true
	case contract.Event:
		if n, ok = contract.NumberOf(e); !ok {
			n, ok = contract.AdvisoryOf(e)
		}
	}
	return n, false, ok
}

// opened is the row of a request as the event that opens it has it. A row keeps no
// texts of people but the title, which is none (R47).
func opened(n contract.Number, e *ledger.Recorded) (*requestRow, error) {
	r := &requestRow{number: n}
	ok := false
	switch f := e.Event.(type) {
	case *contract.IncidentSubmitted:
		r.stream, ok = ledger.ContractOf(e.Stream)
		r.severity, r.responseTime, r.responseHours = f.Severity, f.Response.Time, f.Response.Hours
		r.dueAt, r.openedAt = micros(f.Response.DueAt), micros(f.OpenedAt)
		r.opened = &newRequest{
			kind: KindIncident, account: f.Account, portal: f.Portal, product: f.Product, problemType: f.ProblemType, category: f.Category,
			subscription: f.Subscription, title: f.Title, language: f.Language,
		}
	case *contract.AdvisoryOpened:
		r.stream, ok = ledger.ContractOf(e.Stream)
		r.openedAt = micros(f.OpenedAt)
		r.opened = &newRequest{kind: KindAdvisory, account: f.Account, about: r.stream, portal: f.Portal, title: f.Title, language: f.Language}
	case *programcase.Opened:
		r.stream, ok = ledger.CaseOf(e.Stream)
		r.openedAt = micros(f.OpenedAt)
		r.opened = &newRequest{kind: KindCase, account: f.Account, about: f.Contract, portal: f.Portal, title: string(f.Kind)}
	}
	if !ok {
		return nil, fmt.Errorf("stream %s is not named as that of a request", e.Stream)
	}
	return r, nil
}
