package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
)

// Shown is an event's payload as it may leave the log: the ciphertext of a
// Contract ID is cut (R3), and so are personal texts unless they were opened
// before; those of a person who was forgotten are the string "erased" (R47).
func Shown(e domain.Event) (json.RawMessage, error) {
	b, err := json.Marshal(shown(e))
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", e.Name(), err)
	}
	return b, nil
}

// shown covers the members that must not be seen with others of the same name.
func shown(e domain.Event) any {
	switch e := e.(type) {
	case *contract.Registered:
		return struct {
			*contract.Registered
			ContractID any `json:"contract_id,omitempty"`
			Contact    any `json:"primary_contact,omitempty"`
		}{e, nil, opened(&e.Contact)}
	case *contract.IncidentSubmitted:
		return struct {
			*contract.IncidentSubmitted
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.IncidentFilesAttached:
		return struct {
			*contract.IncidentFilesAttached
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.IncidentCommented:
		return struct {
			*contract.IncidentCommented
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.IncidentClosed:
		return struct {
			*contract.IncidentClosed
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.AdvisoryOpened:
		return struct {
			*contract.AdvisoryOpened
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.AdvisoryTimeDeducted:
		return struct {
			*contract.AdvisoryTimeDeducted
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *contract.AdvisoryClosed:
		return struct {
			*contract.AdvisoryClosed
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case mail.Event:
		return shownMail(e)
	case partner.Event:
		return shownPartner(e)
	case programcase.Event:
		return shownCase(e)
	}
	return e
}

func shownPartner(e partner.Event) any {
	switch e := e.(type) {
	case *partner.Registered:
		return struct {
			*partner.Registered
			Contact any `json:"primary_contact,omitempty"`
		}{e, opened(&e.Contact)}
	case *partner.LocationAdded:
		return struct {
			*partner.LocationAdded
			Contact any `json:"primary_contact,omitempty"`
		}{e, opened(&e.Contact)}
	case *partner.ContactChanged:
		return struct {
			*partner.ContactChanged
			Contact any `json:"contact,omitempty"`
		}{e, opened(&e.Contact)}
	}
	return e
}

func shownCase(e programcase.Event) any {
	switch e := e.(type) {
	case *programcase.Opened:
		return struct {
			*programcase.Opened
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	case *programcase.Closed:
		return struct {
			*programcase.Closed
			Texts any `json:"texts,omitempty"`
		}{e, opened(&e.Texts)}
	}
	return e
}

func shownMail(e mail.Event) any {
	switch e := e.(type) {
	case *mail.Sent:
		return struct {
			*mail.Sent
			Recipient any `json:"recipient,omitempty"`
		}{e, opened(&e.Recipient)}
	case *mail.GivenUp:
		return struct {
			*mail.GivenUp
			Recipient any `json:"recipient,omitempty"`
		}{e, opened(&e.Recipient)}
	case *mail.Requested:
		return struct {
			*mail.Requested
			Recipient any `json:"recipient,omitempty"`
		}{e, opened(&e.Recipient)}
	}
	return e
}

// opened is what may be shown of personal texts; nil where they stay sealed.
func opened[T any](s *domain.Sealed[T]) any {
	switch {
	case s.Erased:
		return domain.ErasedText
	case s.Clear != nil:
		return s.Clear
	}
	return nil
}
