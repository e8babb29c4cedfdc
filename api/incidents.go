package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

func (a *API) registerIncidents() {
	const tag = "Incidents"
	register(a, hotRoute, http.StatusCreated, texts{tag, "Submit an incident",
		"Creates the incident and deducts it from what pays, or does neither."}, a.submitThroughHuma)
	register(a, "list-incidents", http.StatusOK, texts{tag, "The engineers' desk", "The most urgent first."}, a.listIncidents)
	register(a, "get-incident", http.StatusOK, texts{tag, "An incident as it is now",
		"Customers see their own; anything else is incident-not-found, like a number that never was."}, a.getIncident)
	register(a, "comment-incident", http.StatusOK, texts{tag, "Say something about an incident",
		"An engineer's first comment is the first response."}, a.comment)
	register(a, "change-severity", http.StatusOK, texts{tag, "Change how urgent an incident is",
		"A customer may lower it, an engineer change it either way; the response is counted anew."}, a.changeSeverity)
	register(a, "reopen-incident", http.StatusOK, texts{tag, "Work on a closed incident again",
		"After a credit it deducts again."}, a.reopen)
	register(a, "close-incident", http.StatusOK, texts{tag, "Close an incident",
		"A non-decrement closure code credits the unit back to the grant it came from."}, a.close)
	register(a, "reclassify-incident", http.StatusOK, texts{tag, "Change the closure code of a closed incident",
		"Moves the unit accordingly."}, a.reclassify)
}

// IncidentInput names an incident in the path.
type IncidentInput struct {
	Number string `path:"number" doc:"The incident's number, 15 digits" example:"260301123456785"`
}

// find finds an incident that the caller may see. Whatever the reason for which
// there is none, the answer is the same and comes at the same time (R36): when the
// index has seen everything that was recorded before (R37), although it may know
// at once that the incident is another account's.
func (a *API) find(ctx context.Context, c *call, text string) (ledger.IncidentRef, error) {
	n, ok := vault.CheckNumber(text)
	if !ok {
		return ledger.IncidentRef{}, contract.RefuseNoIncident()
	}
	ref, found, err := a.findOwn(ctx, c, contract.Number(n))
	if err != nil || found {
		return ref, err
	}
	if err := a.awaitHead(ctx); err != nil {
		return ref, err
	}
	ref, found, err = a.findOwn(ctx, c, contract.Number(n))
	if err == nil && !found {
		err = contract.RefuseNoIncident()
	}
	return ref, err
}

// findOwn asks the index for an incident that the caller may see.
func (a *API) findOwn(ctx context.Context, c *call, n contract.Number) (ledger.IncidentRef, bool, error) {
	ref, found, err := a.Projections.Incidents.Find(ctx, n)
	return ref, found && (c.role != ledger.Customer || ref.Owner == c.account()), err
}

type incidentReadInput struct {
	IncidentInput
	AfterInput
}

func (a *API) getIncident(ctx context.Context, c *call, in *incidentReadInput) (*shown[incidentPage], error) {
	if _, err := a.position(ctx, in.After); err != nil { // what is read by key is current
		return nil, err
	}
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Incident(ctx, ref)
	if err != nil {
		return nil, err
	}
	page := renderIncidentPage(&answer)
	if answer.Paid {
		left, err := a.left(ctx, c, answer.Contract)
		if err != nil {
			return nil, err
		}
		page.Remaining, page.Unlimited = left.remaining, left.unlimited
	}
	return &shown[incidentPage]{page}, nil
}

// A left is what can be spent of a contract's incidents.
type left struct {
	remaining *int64
	unlimited bool
}

// left is what is left on a contract now, for those who may know: customers only
// while they are linked (R36), and to others nothing is left.
func (a *API) left(ctx context.Context, c *call, id uuid.UUID) (left, error) {
	var l left
	err := a.Ledger.View(ctx, id, func(s *contract.State, at time.Time) {
		if c.role == ledger.Customer && !s.Linked(c.account()) {
			return
		}
		n, unlimited := s.Remaining(contract.Incident, at)
		if l.unlimited = unlimited; !unlimited {
			l.remaining = &n
		}
	})
	if err != nil {
		return left{}, err
	}
	return l, nil
}

// wroteIncident answers a request that was about an incident.
func wroteIncident(c *call, answer *ledger.IncidentAnswer, err error) (*written[incidentPage], error) {
	if err != nil {
		return nil, err
	}
	page := renderIncidentPage(answer)
	if c.role == ledger.Customer && !answer.Linked { // R36
		page.Remaining, page.Unlimited = nil, false
	}
	return write(http.StatusOK, answer.Receipt, page), nil
}

type commentInput struct {
	IncidentInput
	Body commentBody
}

func (a *API) comment(ctx context.Context, c *call, in *commentInput) (*written[incidentPage], error) {
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Comment(ctx, c.request(""), ref, in.Body.Text)
	return wroteIncident(c, &answer, err)
}

type severityInput struct {
	IncidentInput
	Body severityBody
}

func (a *API) changeSeverity(ctx context.Context, c *call, in *severityInput) (*written[incidentPage], error) {
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.ChangeSeverity(ctx, c.request(""), ref, in.Body.Severity, in.Body.Reason)
	return wroteIncident(c, &answer, err)
}

type reopenInput struct {
	IncidentInput
	Body reasonBody
}

func (a *API) reopen(ctx context.Context, c *call, in *reopenInput) (*written[incidentPage], error) {
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Reopen(ctx, c.request(""), ref, in.Body.Reason)
	return wroteIncident(c, &answer, err)
}

type closeInput struct {
	IncidentInput
	Body closeBody
}

func (a *API) close(ctx context.Context, c *call, in *closeInput) (*written[incidentPage], error) {
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Close(ctx, c.request(""), ref, in.Body.Closure, in.Body.Resolution)
	return wroteIncident(c, &answer, err)
}

type reclassifyInput struct {
	IncidentInput
	Body reclassifyBody
}

func (a *API) reclassify(ctx context.Context, c *call, in *reclassifyInput) (*written[incidentPage], error) {
	ref, err := a.find(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Reclassify(ctx, c.request(""), ref, in.Body.Closure, in.Body.Reason)
	return wroteIncident(c, &answer, err)
}
