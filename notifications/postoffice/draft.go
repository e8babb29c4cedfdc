package postoffice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// A draft is a letter to be: all that the log says about it. Whom it goes to lies
// sealed in source until it is known that it has to be sent.
type draft struct {
	recorded.Letter              // as it is recorded
	about           uuid.UUID    // the contract, or the incident that no contract pays for, whose mails record it
	person          uuid.UUID    // whose key seals the recipient
	source          domain.Event // which holds the recipient
	content         mail.Letter
	date            time.Time                // when it came to be written
	finish          func(*mail.Letter) error // adds what stands in no draft; nil for nothing
}

// errUnreadable says of what should become a letter that it never will.
var errUnreadable = errors.New("no letter can be made of it")

// draftOf makes the draft of what an event has to tell; nil where that is nothing.
func (o *Office) draftOf(ctx context.Context, r eventstore.Record) (*draft, error) {
	f, err := read(r)
	if err != nil {
		return nil, err
	}
	about, ok := ledger.ContractOf(r.Stream)
	if !ok {
		return nil, fmt.Errorf("%w: stream %s is no contract", errUnreadable, r.Stream)
	}
	if f.Meta.Imported() { // it was so before; who has had the IDs for months needs no letter
		return nil, nil
	}
	b := builder{office: o, record: f, about: about}
	switch e := f.event.(type) {
	case *contract.Activated:
		return b.ids(ctx, e)
	case *contract.AccountLinked:
		return b.linked(ctx, e)
	case *contract.IncidentSubmitted:
		return b.submitted(ctx, e)
	case *contract.IncidentDeducted:
		return b.fewLeft(ctx, e)
	case *contract.IncidentClosed:
		return b.closed(ctx, e)
	case *contract.Expired:
		return b.expired(ctx, e)
	}
	return nil, nil
}

// A builder makes the draft of one event.
type builder struct {
	office *Office
	record *fact
	about  uuid.UUID
}

// ids tells the IDs on the first activation (R29).
func (b *builder) ids(ctx context.Context, e *contract.Activated) (*draft, error) {
	first, err := b.first(ctx)
	if err != nil || !first {
		return nil, err
	}
	d, terms, err := b.toContact(ctx, recorded.IDs, b.record.ID, "")
	if err != nil {
		return nil, err
	}
	b.office.tellIDs(d, terms, e.StartsOn, e.ExpiresOn)
	return d, nil
}

// tellIDs puts a contract's IDs into a draft: the Contract ID when it is sent.
func (o *Office) tellIDs(d *draft, terms *contract.Registered, startsOn, expiresOn catalog.Date) {
	d.content.Contract, d.content.Zone = terms.Label(o.planLabels(terms.Portals)), zone(terms)
	d.content.ServiceName, d.content.AccessID = terms.ServiceName, terms.AccessID
	d.content.StartsOn, d.content.LastDay = startsOn, expiresOn
	d.finish = func(l *mail.Letter) (err error) {
		l.ContractID, err = o.Keys.OpenContractID(d.about, terms.ContractID)
		return err
	}
}

// first says whether the contract was not activated before: the start of a term
// that was waited for is recorded as another activation.
func (b *builder) first(ctx context.Context) (bool, error) {
	for r, err := range b.office.Store.ReadStream(ctx, b.record.Stream, 0, eventstore.Forwards) {
		if err != nil {
			return false, fmt.Errorf("read contract %s: %w", b.about, err)
		}
		if r.Type == b.record.Type {
			return r.Revision == b.record.Revision, nil
		}
	}
	return false, fmt.Errorf("read contract %s: its activation is not there", b.about)
}

// linked tells the primary contact of a link that somebody made (R7); those that
// a successor takes over are nothing new.
func (b *builder) linked(ctx context.Context, e *contract.AccountLinked) (*draft, error) {
	if e.Inherited != uuid.Nil {
		return nil, nil
	}
	d, terms, err := b.toContact(ctx, recorded.Linked, b.record.ID, "")
	if err != nil {
		return nil, err
	}
	d.content.LinkedAt = e.At
	d.content.Portal = b.atPortal(&d.content, terms, e.Portal)
	return d, nil
}

// submitted tells whoever asked what was promised (R17).
func (b *builder) submitted(ctx context.Context, e *contract.IncidentSubmitted) (*draft, error) {
	d, err := b.toAsker(ctx, recorded.Submitted, e)
	if err != nil {
		return nil, err
	}
	d.content.Severity, d.content.DueAt = e.Severity, e.Response.DueAt
	d.content.ResponseTime, d.content.ResponseHours = e.Response.Time, e.Response.Hours
	next, err := b.at(ctx, b.record.Revision+1)
	if err != nil {
		return nil, err
	}
	if deducted, ok := next.event.(*contract.IncidentDeducted); ok && deducted.Number == e.Number {
		d.content.Left = mail.LeftOf(deducted.Remaining, deducted.Unlimited)
	}
	return d, nil
}

// fewLeft warns the primary contact, once for each number of the catalogue, and
// once more after incidents were added. Only the first event that reaches the
// number brings the letter about, so that two ledgers never write it at once.
func (b *builder) fewLeft(ctx context.Context, e *contract.IncidentDeducted) (*draft, error) {
	threshold, few := b.office.fewAfter(e)
	if !few {
		return nil, nil
	}
	added, first, err := b.reached(ctx, threshold)
	if err != nil || !first {
		return nil, err
	}
	d, _, err := b.toContact(ctx, recorded.FewLeft, added, fmt.Sprint(threshold))
	if err != nil {
		return nil, err
	}
	d.content.Left = mail.LeftOf(e.Remaining, e.Unlimited)
	return d, nil
}

// closed tells whoever asked how it ended, and what became of the unit (R19).
func (b *builder) closed(ctx context.Context, e *contract.IncidentClosed) (*draft, error) {
	asked, err := b.submission(ctx, e.Number)
	if err != nil {
		return nil, err
	}
	d, err := b.toAsker(ctx, recorded.Closed, asked)
	if err != nil {
		return nil, err
	}
	d.content.Closure = e.Closure
	if code, ok := b.office.Catalog.ClosureCode(e.Closure); ok {
		d.content.Closure = code.Name
	}
	d.content.Outcome, d.content.Left, err = b.outcome(ctx)
	return d, err
}

// expired tells the primary contact that the term is over.
func (b *builder) expired(ctx context.Context, e *contract.Expired) (*draft, error) {
	d, _, err := b.toContact(ctx, recorded.Expired, b.record.ID, "")
	if err != nil {
		return nil, err
	}
	d.content.LastDay = catalog.DateOf(e.EndedAt.Add(-time.Nanosecond), d.content.Zone)
	return d, nil
}

// toContact begins a letter to whom the contract's letters went when the event was
// recorded. What the letter is about, and which of several it is, makes its id.
func (b *builder) toContact(ctx context.Context, kind mail.Kind, of uuid.UUID, which string) (*draft, *contract.Registered, error) {
	first, err := b.at(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	terms, ok := first.event.(*contract.Registered)
	if !ok {
		return nil, nil, fmt.Errorf("%w: contract %s does not begin with its registration", errUnreadable, b.about)
	}
	contact, err := b.office.Ledger.ContactOf(ctx, b.about, terms, b.record.Position)
	if err != nil {
		return nil, nil, err
	}
	return b.office.toContact(b.about, terms, contact, kind, of, which, &b.record.Record), terms, nil
}

func (o *Office) toContact(about uuid.UUID, terms *contract.Registered, contact ledger.Contact, kind mail.Kind, of uuid.UUID, which string, cause *eventstore.Record) *draft {
	d := o.begin(about, kind, of, which, contact.Texts.Person, contact.Language, cause)
	d.source = &contract.Registered{Contact: contact.Texts}
	d.content.Contract = terms.Label(o.planLabels(terms.Portals))
	d.content.Zone = zone(terms)
	return d
}

// toAsker begins a letter to the contact of an incident.
func (b *builder) toAsker(ctx context.Context, kind mail.Kind, e *contract.IncidentSubmitted) (*draft, error) {
	d := b.office.begin(b.about, kind, b.record.ID, "", e.Texts.Person, e.Language, &b.record.Record)
	d.source = e
	d.content.Number, d.content.Title = e.Number.String(), e.Title
	first, err := b.at(ctx, 0)
	if err != nil {
		return nil, err
	}
	terms, paid := first.event.(*contract.Registered)
	if paid {
		d.content.Zone = zone(terms)
	}
	d.content.Portal = b.atPortal(&d.content, terms, e.Portal)
	return d, nil
}

// atPortal shows the contract as its portal does (R12), and names the portal.
func (b *builder) atPortal(l *mail.Letter, terms *contract.Registered, id string) string {
	portal, known := b.office.Catalog.Portal(id)
	if terms != nil {
		l.Contract = terms.Label(known && portal.PlanLabels || !known && b.office.planLabels(terms.Portals))
	}
	if !known {
		return id
	}
	return portal.Name
}

// planLabels says whether all of some portals show contracts by plan labels.
func (o *Office) planLabels(portals []string) bool {
	for _, id := range portals {
		if portal, known := o.Catalog.Portal(id); known && !portal.PlanLabels {
			return false
		}
	}
	return len(portals) > 0
}

// begin makes a draft; its cause is nil where time brings it about.
func (o *Office) begin(about uuid.UUID, kind mail.Kind, of uuid.UUID, which string, person uuid.UUID, language string, cause *eventstore.Record) *draft {
	d := &draft{about: about, person: person, date: o.Ledger.Now()}
	d.Letter = recorded.Letter{Mail: mailID(kind, of, which, person), Kind: kind, Language: mail.LanguageOf(language)}
	if cause != nil {
		d.Cause = cause.ID
		if d.date.Sub(cause.RecordedAt) < sameDate {
			d.date = cause.RecordedAt // and the letter the same to the byte on every try
		}
	}
	d.content = mail.Letter{ID: d.Mail, Kind: kind, Language: d.Language, Vendor: o.Catalog.Vendor}
	return d
}

// sameDate is how old a letter's date may be before mail servers wonder.
const sameDate = 25 * time.Hour

// mailsNamespace makes ids of letters. It never changes.
var mailsNamespace = uuid.MustParse("0d5f6a3c-7b0e-5c58-8a53-b9d2e7a1c4f6")

// mailID is the id of a letter: the same for the same cause, kind and recipient,
// on every try and every node.
func mailID(kind mail.Kind, of uuid.UUID, which string, person uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(mailsNamespace, fmt.Appendf(nil, "%s %s %s %s", kind, of, which, person))
}

// zone is the contract's; its name was found to be one when it was registered.
func zone(terms *contract.Registered) *time.Location {
	location, err := time.LoadLocation(terms.TimeZone)
	if err != nil {
		return time.UTC
	}
	return location
}
