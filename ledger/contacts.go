package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
)

// A Contact is who is told about a contract, sealed.
type Contact struct {
	Texts    domain.Sealed[contract.ContactTexts]
	Language string
}

// ContactOf is who is told about a contract (R29): the primary program contact of
// the partner's headquarters, or of the location whose toolkit it is, as it was at
// a position of the log, or is now (0); the contract's own primary contact where
// there is no partner.
func (l *Ledger) ContactOf(ctx context.Context, id uuid.UUID, terms *contract.Registered, asOf eventstore.Position) (Contact, error) {
	own := Contact{Texts: domain.Sealed[contract.ContactTexts]{Person: terms.Contact.Person, Box: terms.Contact.Box}, Language: terms.Language}
	s, err := l.partnerOf(ctx, terms, asOf)
	if err != nil || s == nil {
		return own, err
	}
	of, err := l.boughtFor(ctx, s, id, terms)
	if err != nil {
		return own, err
	}
	primary := s.PlaceOf(of).Primary
	return Contact{Texts: forContract(primary.Texts), Language: primary.Language}, nil
}

// partnerOf is the partner that a contract belongs to; nil where there is none
// here. A partner_id may also be one that only the vendor's own books know.
func (l *Ledger) partnerOf(ctx context.Context, terms *contract.Registered, asOf eventstore.Position) (*partner.State, error) {
	id, err := uuid.Parse(terms.PartnerID)
	if err != nil {
		return nil, nil
	}
	a, s := l.partners(id), new(partner.State)
	for r, err := range l.store.ReadStream(ctx, a.stream, 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", a.stream, err)
		}
		if asOf != 0 && r.Position > asOf {
			break
		}
		e, err := a.names.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		a.evolve(s, e)
	}
	if s.Terms() == nil {
		return nil, nil
	}
	return s, nil
}

// boughtFor is the contract by which the partner knows this one: the toolkit's
// that it has renewed or replaced, or itself.
func (l *Ledger) boughtFor(ctx context.Context, s *partner.State, id uuid.UUID, terms *contract.Registered) (uuid.UUID, error) {
	if len(s.Toolkits()) == 0 {
		return id, nil
	}
	for at := id; ; {
		if s.PlaceOf(at).ID != uuid.Nil {
			return at, nil
		}
		if at = terms.Predecessor; at == uuid.Nil {
			return id, nil
		}
		err := l.View(ctx, at, func(s *contract.State, _ time.Time) { terms = s.Terms() })
		if err != nil || terms == nil {
			return id, err
		}
	}
}

// ResendIDs asks that the IDs of a contract are mailed again (R30): to its contact
// now, or, where the region's policy allows, to the associated contact with an
// address; partner.RegionPolicy refuses the rest. The wish is durable when it
// returns: whoever sends mails finds it in the log.
func (l *Ledger) ResendIDs(ctx context.Context, r Request, id uuid.UUID, to, reason string) (MailAnswer, error) {
	meta := l.meta(r, id.String())
	ask := mail.Ask{Letter: mail.Letter{Mail: l.keys.Derive(meta.Command, "ids again"), Kind: mail.IDs}, Reason: reason}
	before, err := l.MailStanding(ctx, id, ask.Mail)
	if err != nil {
		return MailAnswer{}, err
	}
	if before.Status == mail.Unrecorded { // a repeat finds what was decided
		if err := l.addressIDs(ctx, id, to, &ask); err != nil {
			return MailAnswer{}, l.count(err)
		}
	}
	ask.At = l.Now()
	return l.askForMail(ctx, id, ask.Mail, &mailCommand{wish: &ask, keyed: r.Key != "", meta: meta})
}

// addressIDs finds whom the IDs may be sent to.
func (l *Ledger) addressIDs(ctx context.Context, id uuid.UUID, to string, ask *mail.Ask) error {
	var terms *contract.Registered
	var refused error
	look := func(s *contract.State, at time.Time) { terms, refused = s.Terms(), s.MayResendIDs(at) }
	if err := l.View(ctx, id, look); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	contact, err := l.recipientOf(ctx, id, terms, to)
	if err != nil {
		return err
	}
	if err := l.openTexts(ctx, &contact.Texts); err != nil {
		return err
	}
	clear := contact.Texts.Clear
	if clear == nil {
		return domain.Refuse("contact-erased", "name a new primary contact first", "whoever would be sent the IDs was forgotten")
	}
	ask.Language = contact.Language
	if ask.Language == "" {
		ask.Language = "en"
	}
	ask.Recipient, err = l.SealRecipient(ctx, contact.Texts.Person, mail.Recipient{Name: clear.Name, Email: clear.Email})
	return err
}

// recipientOf is who may be sent a contract's IDs where somebody with an address
// is asked for; "" asks for the contact.
func (l *Ledger) recipientOf(ctx context.Context, id uuid.UUID, terms *contract.Registered, to string) (Contact, error) {
	person := uuid.Nil
	if to != "" {
		person = l.keys.Contact(to)
	}
	s, err := l.partnerOf(ctx, terms, 0)
	if err != nil {
		return Contact{}, err
	}
	if s == nil {
		if person != uuid.Nil && person != terms.Contact.Person {
			return Contact{}, partner.RefuseStranger()
		}
		return l.ContactOf(ctx, id, terms, 0)
	}
	of, err := l.boughtFor(ctx, s, id, terms)
	if err != nil {
		return Contact{}, err
	}
	found, err := s.Recipient(of, terms.Country, person, l.catalog)
	return Contact{Texts: forContract(found.Texts), Language: found.Language}, err
}
