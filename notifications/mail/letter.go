package mail

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	recorded "github.com/supportledger/supportledger/domain/mail"
)

// A Kind is what a letter is about, as it is recorded; it names the letter's
// template.
type Kind = recorded.Kind

// The kinds of letters (R39).
const (
	IDs       = recorded.IDs       // the contract was activated, or its IDs are sent again: the only one that carries the Contract ID
	Linked    = recorded.Linked    // somebody linked the contract, told to its primary contact (R7)
	Submitted = recorded.Submitted // an incident was submitted (R17)
	Closed    = recorded.Closed    // an incident was closed, which counted or was credited back
	FewLeft   = recorded.FewLeft   // few incidents are left
	Expiring  = recorded.Expiring  // the contract's last day is near
	Expired   = recorded.Expired   // the contract's last day is over
)

// Kinds are all kinds of letters.
func Kinds() []Kind { return recorded.Kinds() }

// A Letter is all that a template needs, as plain values. Which fields a kind
// uses stands behind them; the others are left at zero. Line breaks and control
// characters in texts become spaces when the letter is rendered.
type Letter struct {
	ID       uuid.UUID // the same on every try: Message-ID and file name are made of it
	Kind     Kind
	To       Person
	Language string // of the recipient, BCP 47; what is not known is English
	Vendor   string // who writes: the name of the vendor or the installation

	Contract string         // all kinds: the contract's label (R12); "" where no contract pays
	Zone     *time.Location // all kinds: whose clocks the recipient reads; nil for UTC

	ServiceName string       // ids
	AccessID    string       // ids
	ContractID  string       // ids, and never anywhere else
	StartsOn    catalog.Date // ids: the term's first day
	LastDay     catalog.Date // ids, expiring, expired: the term's last day, grace included

	LinkedAt time.Time // linked
	Portal   string    // linked, submitted: the portal's name

	Number        string    // submitted, closed
	Title         string    // submitted, closed
	Severity      string    // submitted
	ResponseTime  string    // submitted: an ISO 8601 duration, "PT4H"
	ResponseHours string    // submitted: catalog.ResponseBusiness or ResponseAlways
	DueAt         time.Time // submitted: when the first response is due

	Closure string  // closed: the closure code's name
	Outcome Outcome // closed: what became of the incident's unit

	Left     Left // submitted, closed, few-left, expiring: what the contract has left
	DaysLeft int  // expiring: 30 or 7, or fewer where it is late
}

// A Person is whom a letter goes to. The name may be empty.
type Person struct {
	Name  string
	Email string
}

// An Outcome says what became of a closed incident's unit (R19).
type Outcome string

// What closing may do to the unit.
const (
	Counted      Outcome = "counted"       // it stays deducted
	CreditedBack Outcome = "credited-back" // it can be used again
	CreditLapsed Outcome = "credit-lapsed" // it was credited back to a grant or a contract that had ended, and lapsed
	NotDeducted  Outcome = "not-deducted"  // no contract pays
)

// Left is how many incidents a contract has left. The zero value says that no
// contract pays.
type Left struct {
	Pays      bool  // a contract pays
	Unlimited bool  // and never runs out
	Count     int64 // else this many are left
}

// LeftOf is Left as events carry it: a number, or none and unlimited, or none
// where no contract pays.
func LeftOf(remaining *int64, unlimited bool) Left {
	switch {
	case unlimited:
		return Left{Pays: true, Unlimited: true}
	case remaining != nil:
		return Left{Pays: true, Count: *remaining}
	}
	return Left{}
}

// Secret says whether the letter carries a Contract ID.
func (l Letter) Secret() bool { return l.ContractID != "" }

// String names the letter and tells nothing of it, so that a log may have it.
func (l Letter) String() string { return fmt.Sprintf("letter %s (%s)", l.ID, l.Kind) }

// GoString is String: %#v tells nothing either.
func (l Letter) GoString() string { return l.String() }

// LogValue is String, for slog.
func (l Letter) LogValue() slog.Value { return slog.StringValue(l.String()) }

// check refuses what would be a mistake of the caller.
func (l Letter) check() error {
	switch {
	case !slices.Contains(Kinds(), l.Kind):
		return fmt.Errorf("there is no kind of letter %q", l.Kind)
	case l.ID == uuid.Nil:
		return fmt.Errorf("the letter has no id")
	case l.Kind == IDs && (l.AccessID == "" || l.ContractID == ""):
		return fmt.Errorf("a letter of kind %s carries both IDs", IDs)
	case l.Kind != IDs && l.ContractID != "":
		return fmt.Errorf("a letter of kind %s must not carry the Contract ID", l.Kind)
	}
	return nil
}

// oneLine returns the letter with every text on one line: what clients send
// cannot add lines to a text, or headers to a message.
func (l Letter) oneLine() Letter {
	straighten(reflect.ValueOf(&l).Elem())
	if l.Zone == nil {
		l.Zone = time.UTC
	}
	return l
}

// straighten puts every string of a struct on one line, so that a new field is
// not forgotten.
func straighten(v reflect.Value) {
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.String:
			field.SetString(oneLine(field.String()))
		case reflect.Struct:
			if field.Type().PkgPath() == v.Type().PkgPath() {
				straighten(field)
			}
		}
	}
}

// oneLine replaces control characters, and any run of spaces, by one space, and
// what is no UTF-8 by U+FFFD.
func oneLine(s string) string {
	space := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), space), " ")
}
