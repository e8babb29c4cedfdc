package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

func (a *API) registerAdmin() {
	const tag = "Installation"
	register(a, "erase-person", http.StatusOK, texts{tag, "Forget a person",
		"Destroys the keys of the person's texts; events, balances and the log's digests stay as they are. Asked again, it changes nothing."}, a.erase)
	if a.TestClock != nil {
		register(a, testRoute, http.StatusOK, texts{tag, "Set the test clock",
			"Answers when everything that became due was recorded and projected."}, a.setClock)
	}
}

type erasureInput struct {
	Body erasureBody
}

// An erasure says who was forgotten.
type erasure struct {
	Person string `json:"person" doc:"The pseudonym under which the texts were sealed"`
}

func (a *API) erase(ctx context.Context, c *call, in *erasureInput) (*written[erasure], error) {
	person, err := a.personOf(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	receipt, err := a.Ledger.Erase(ctx, c.request(""), person, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, receipt, erasure{person.String()}), nil
}

// personOf finds whom a request means: by account, by e-mail address, or as the
// primary contact of a contract.
func (a *API) personOf(ctx context.Context, b *erasureBody) (uuid.UUID, error) {
	named := 0
	for _, text := range []string{b.Account, b.Email, b.Contract} {
		if text != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return uuid.Nil, invalid("account", "must name the person, or else email or contract must, and only one of them")
	case b.Email != "":
		return a.Keys.Contact(b.Email), nil
	case b.Account != "":
		account, err := uuid.Parse(b.Account)
		if err != nil {
			return uuid.Nil, invalid("account", "must be the id of an account")
		}
		return account, nil
	}
	id, err := contractID(b.Contract)
	if err != nil {
		return uuid.Nil, err
	}
	person, exists := uuid.Nil, false
	err = a.Ledger.View(ctx, id, func(s *contract.State, _ time.Time) {
		if exists = s.Exists(); exists {
			person = s.Terms().Contact.Person
		}
	})
	if err == nil && !exists {
		err = noContract()
	}
	return person, err
}

type clockInput struct {
	Body clockBody
}

// A clock says what time decisions are made by.
type clock struct {
	Now time.Time `json:"now"`
}

// setClock moves the test clock forwards and answers when everything that this
// made due was recorded and projected. The clock stops at each moment at which
// something is due, as time does: so it is recorded then, in order, and not all at
// once and contract by contract.
func (a *API) setClock(ctx context.Context, _ *call, in *clockInput) (*shown[clock], error) {
	now, err := time.Parse(time.RFC3339, in.Body.Now)
	if err != nil || now.Year() < 1970 || now.Year() > 9999 {
		return nil, invalid("now", "must be a time such as 2026-03-01T00:00:00Z")
	}
	if at := a.TestClock.Now(); now.Before(at) {
		return nil, backwards(a.TestClock.Set(now.UTC()))
	}
	for next := (time.Time{}); next.Before(now); {
		if next, err = a.nextDue(ctx, now.UTC()); err != nil {
			return nil, err
		}
		if err := a.TestClock.Set(next); err != nil { // somebody else has moved it further
			return nil, backwards(err)
		}
		if err := a.catchUp(ctx); err != nil {
			return nil, err
		}
	}
	return &shown[clock]{clock{a.Ledger.Now()}}, nil
}

func backwards(err error) *Problem {
	return problem("clock-backwards", err.Error(), sentences["clock-backwards"].hint, fieldAt("now", "lies before the clock's time"))
}

// nextDue is the first moment after now by the test clock at which something is
// due, or a time if nothing is until then.
func (a *API) nextDue(ctx context.Context, until time.Time) (time.Time, error) {
	if err := a.awaitHead(ctx); err != nil {
		return until, err
	}
	passed := ledger.DueContract{At: a.TestClock.Now(), Contract: uuid.Max}
	due, err := a.Projections.Due.Due(ctx, until, passed, 1)
	if err != nil || len(due) == 0 {
		return until, err
	}
	return due[0].At, nil
}

// catchUp records what is due, as far as the agenda knows it, and has the lists
// see it; what that has made due comes next.
func (a *API) catchUp(ctx context.Context) error {
	for {
		if err := a.awaitHead(ctx); err != nil {
			return err
		}
		recorded, err := a.Ledger.CatchUp(ctx, a.Projections.Due)
		if err != nil {
			return err
		}
		if recorded == 0 {
			return nil
		}
	}
}
