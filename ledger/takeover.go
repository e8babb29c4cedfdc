package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// What was kept elsewhere is taken over act by act: a contract's registration,
// its activation, an opening balance, a link. The command of an act derives from
// the contract and what the act is, and from nothing else: whoever imports the
// same file again, years later, finds it done in the contract's own records.

// ImportPortal is the portal that the records of an import name as the one they
// came through. What they say was so before: nobody needs a mail about it.
const ImportPortal = "import"

// Imported says whether a record came from an import.
func (m *Meta) Imported() bool { return m.By.Portal == ImportPortal && m.By.Role == Operator }

// An Act is one thing that an import does to a contract.
type Act struct {
	Contract uuid.UUID
	Name     string // "register", "activate", "balance incident", "link <account>"
	Content  []byte // what it was asked with: another content is another wish
	Wish     contract.Command
}

// Kept is what is recorded of a contract that an import is about.
type Kept struct {
	Exists  bool
	Terms   *contract.Registered // the contact opened, or erased
	Status  contract.Status
	EndsAt  time.Time
	Balance map[contract.Unit]contract.Balance
	acts    map[uuid.UUID][16]byte // fingerprints by command
	state   *contract.State
}

// ImportID is the contract that a pair names.
func (l *Ledger) ImportID(pair Pair) uuid.UUID {
	return l.keys.ContractStream(pair.AccessID, pair.ContractID)
}

// AccountOf is the pseudonym of a sign-in.
func (l *Ledger) AccountOf(issuer, subject string) uuid.UUID { return l.keys.Account(issuer, subject) }

// Kept reads a contract that an import is about.
func (l *Ledger) Kept(ctx context.Context, id uuid.UUID) (*Kept, error) {
	k := &Kept{state: new(contract.State), acts: map[uuid.UUID][16]byte{}}
	for r, err := range l.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read contract %s: %w", id, err)
		}
		if err := contract.Replay(k.state, r.Type, r.Data); err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		meta, err := ReadMeta(r.Meta)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		if meta.Imported() {
			k.acts[meta.Command] = meta.Fingerprint
		}
	}
	if k.Exists = k.state.Exists(); !k.Exists {
		return k, nil
	}
	now := l.Now()
	terms := *k.state.Terms() // the state's own is not opened
	if err := l.Open(ctx, domain.Event(&terms)); err != nil {
		return nil, err
	}
	k.Terms, k.Status, k.EndsAt, k.Balance = &terms, k.state.Status(now), k.state.EndsAt(), k.state.Balances(now)
	return k, nil
}

// Promise is how the contract was promised to come to life by itself; nil where it
// was not.
func (k *Kept) Promise() *contract.Promised { return k.state.Promise() }

// Linked says whether an account uses the contract.
func (k *Kept) Linked(account uuid.UUID) bool { return k.state.Linked(account) }

// Done says whether an act was recorded, and whether with another content.
func (l *Ledger) Done(k *Kept, act *Act) (done, otherwise bool) {
	fingerprint, done := k.acts[l.actCommand(act)]
	return done, done && fingerprint != l.keys.Fingerprint(act.Content)
}

func (l *Ledger) actCommand(act *Act) uuid.UUID {
	return l.keys.Command(uuid.Nil, ImportPortal, act.Contract.String(), act.Name)
}

// Rehearse decides wishes one after another, as they would be on a contract as it
// is kept, or on a new one (nil), and records nothing. It returns the first
// refusal, and which wish it was for.
func (l *Ledger) Rehearse(k *Kept, wishes ...contract.Command) (at int, refusal *domain.Refusal) {
	s := new(contract.State)
	if k != nil {
		s = k.state
	}
	m := contract.Moment{At: l.Now(), Catalog: l.catalog, Zone: l.zones.find}
	if k != nil {
		contract.Evolve(s, contract.Due(s, m.At, nil)...)
	}
	for i, wish := range wishes {
		events, err := contract.Decide(s, m, wish)
		if errors.As(err, &refusal) {
			return i, refusal
		}
		contract.Evolve(s, events...)
	}
	return len(wishes), nil
}

// RegisterAct is the act that registers a contract with a pair. Where promiseOn is
// a day, the blank contract comes to life by itself then (R28).
func (l *Ledger) RegisterAct(pair Pair, wish Registration, promiseOn catalog.Date, content []byte) *Act {
	id := l.ImportID(pair)
	return &Act{Contract: id, Name: "register", Content: content, Wish: &contract.Register{
		AccessID: pair.AccessID, ContractID: l.keys.SealContractID(id, pair.ContractID),
		Programme: wish.Programme, PartnerID: wish.PartnerID, Country: wish.Country, TimeZone: wish.TimeZone,
		StartsOn: wish.StartsOn, PromiseOn: promiseOn, Language: wish.Language, Reason: ImportPortal,
		Contact: domain.Sealed[contract.ContactTexts]{Person: l.keys.Contact(wish.Contact.Email), Clear: &wish.Contact},
	}}
}

// Import carries out an act, unless it was recorded before, whenever that was. It
// says whether something was recorded now.
func (l *Ledger) Import(ctx context.Context, by Actor, k *Kept, act *Act) (changed bool, err error) {
	if k != nil {
		if done, otherwise := l.Done(k, act); otherwise {
			return false, refuseImported()
		} else if done {
			return false, nil
		}
	}
	wish := act.Wish
	if register, ok := wish.(*contract.Register); ok {
		sealed, err := seal(ctx, l, register.Contact.Person, *register.Contact.Clear)
		if err != nil {
			return false, err
		}
		fresh := *register
		fresh.Contact, wish = sealed, &fresh
	}
	by.Portal = ImportPortal
	meta := Meta{By: by, Catalog: l.digest, Command: l.actCommand(act), Fingerprint: l.keys.Fingerprint(act.Content)}
	c := &command{meta: meta, keyed: true, wish: wish}
	err = l.count(l.streams.execute(ctx, act.Contract, c))
	if refusal := new(domain.Refusal); errors.As(err, &refusal) && refusal.Code == "idempotency-key-reused" {
		return false, refuseImported()
	}
	return c.changed && err == nil, err
}

func refuseImported() *domain.Refusal {
	return domain.Refuse("imported-otherwise", "correct the file, or change the contract by hand", "this was imported before with another content")
}
