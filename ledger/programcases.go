package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
)

// A CaseAnswer is a program support case as it was right after a command, its
// texts opened.
type CaseAnswer struct {
	Receipt
	ID    uuid.UUID
	State *programcase.State
}

// A CaseWish is what somebody who is signed in for a partner asks.
type CaseWish struct {
	Partner  string // the partner's id, as the sign-in has it; "" for none
	Kind     programcase.Kind
	Contract uuid.UUID // that it is about; Nil where it is about none
	Portal   string
	Text     string
}

func (l *Ledger) cases(id uuid.UUID) *aside[programcase.State, programcase.Event] {
	return &aside[programcase.State, programcase.Event]{stream: casesPrefix + id.String(), names: programcase.Events, evolve: programcase.Evolve}
}

// OpenCase opens a program support case (R31). The partner must be one that is
// registered here; a contract, one of the partner's or one that the account has
// linked.
func (l *Ledger) OpenCase(ctx context.Context, r Request, wish CaseWish) (CaseAnswer, error) {
	if err := l.mayOpenCase(ctx, r.By.Account, &wish); err != nil {
		return CaseAnswer{}, l.count(err)
	}
	sealed, err := seal(ctx, l, r.By.Account, programcase.QuestionTexts{Text: wish.Text})
	if err != nil {
		return CaseAnswer{}, err
	}
	meta := l.meta(r, "")
	at := l.Now()
	number, err := l.numbers.take(ctx, at)
	if err != nil {
		return CaseAnswer{}, err
	}
	answer, err := l.onCase(ctx, l.keys.Derive(meta.Command, "case"), r, meta, func(now time.Time) programcase.Command {
		return &programcase.Open{
			Number: number, Account: r.By.Account, Partner: wish.Partner, Kind: wish.Kind, Contract: wish.Contract,
			Portal: wish.Portal, Texts: sealed, At: now,
		}
	})
	if err != nil || answer.State.Opened().Number != number {
		l.numbers.giveBack(at, number)
	}
	return answer, err
}

// mayOpenCase refuses whoever is not signed in for a partner, and a contract that
// is not theirs.
func (l *Ledger) mayOpenCase(ctx context.Context, account uuid.UUID, wish *CaseWish) error {
	id, err := uuid.Parse(wish.Partner)
	if err != nil {
		return programcase.RefuseStranger()
	}
	s, err := l.partners(id).read(ctx, l, &Meta{}, false)
	if err != nil {
		return err
	}
	if s.state.Terms() == nil {
		return programcase.RefuseStranger()
	}
	if wish.Contract == uuid.Nil {
		return nil
	}
	theirs := false
	look := func(s *contract.State, _ time.Time) { theirs = s.BelongsTo(wish.Partner) || s.Linked(account) }
	if err := l.View(ctx, wish.Contract, look); err != nil || theirs {
		return err
	}
	return contract.RefuseUnknown()
}

// onCase decides a wish about a case and describes the case as it was right after
// it.
func (l *Ledger) onCase(ctx context.Context, id uuid.UUID, r Request, meta Meta, wish func(at time.Time) programcase.Command) (CaseAnswer, error) {
	done, err := l.cases(id).execute(ctx, l, meta, r.Key != "", func(s *programcase.State, at time.Time) ([]programcase.Event, error) {
		return programcase.Decide(s, wish(at))
	})
	if err != nil {
		return CaseAnswer{}, err
	}
	return CaseAnswer{Receipt: done.Receipt, ID: id, State: done.state}, l.openCase(ctx, done.state)
}

func (l *Ledger) openCase(ctx context.Context, s *programcase.State) error {
	if opened := s.Opened(); opened != nil {
		if err := l.Open(ctx, opened); err != nil {
			return err
		}
	}
	if closed := s.Closed(); closed != nil {
		return l.Open(ctx, closed)
	}
	return nil
}

// CloseCase answers a case (R31).
func (l *Ledger) CloseCase(ctx context.Context, r Request, ref IncidentRef, outcome, text string) (CaseAnswer, error) {
	sealed, err := seal(ctx, l, ref.Owner, programcase.AnswerTexts{Text: text})
	if err != nil {
		return CaseAnswer{}, err
	}
	return l.onCase(ctx, ref.Stream, r, l.meta(r, ref.Number.String()), func(at time.Time) programcase.Command {
		return &programcase.Close{Outcome: outcome, Texts: sealed, At: at}
	})
}

// Case describes a case as it is now, its texts opened.
func (l *Ledger) Case(ctx context.Context, ref IncidentRef) (CaseAnswer, error) {
	s, err := l.cases(ref.Stream).read(ctx, l, &Meta{}, false)
	if err != nil {
		return CaseAnswer{}, err
	}
	if s.state.Opened() == nil {
		return CaseAnswer{}, programcase.RefuseUnknown()
	}
	return CaseAnswer{Receipt: s.Receipt, ID: ref.Stream, State: s.state}, l.openCase(ctx, s.state)
}
