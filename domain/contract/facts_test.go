package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// now is when wishes are made unless a test says otherwise: a Monday, the second
// day of the usual term.
const now = "2026-03-02T10:00:00Z"

// The accounts, and the contracts beside the one that is tested.
var (
	ani         = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	budi        = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
	citra       = uuid.MustParse("00000000-0000-4000-8000-00000000000c")
	predecessor = uuid.MustParse("00000000-0000-4000-8000-0000000000f1")
	successor   = uuid.MustParse("00000000-0000-4000-8000-0000000000f2")
	replacement = uuid.MustParse("00000000-0000-4000-8000-0000000000f3")
)

var (
	theContact = domain.Sealed[ContactTexts]{Person: ani, Box: []byte("contact")}
	theTexts   = domain.Sealed[IncidentTexts]{Person: ani, Box: []byte("texts")}
	theComment = domain.Sealed[CommentTexts]{Person: ani, Box: []byte("comment")}
	theSolving = domain.Sealed[ResolutionTexts]{Person: ani, Box: []byte("resolution")}
)

func day(s string) catalog.Date {
	d, err := catalog.ParseDate(s)
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return d
}

// registered is the usual contract: two incidents, on-premises, UTC.
func registered(changes ...func(*Registered)) facts {
	e := &Registered{
		AccessID: "0230242323", ContractID: []byte("ciphertext"),
		Programme: "gold", ServiceName: "Partner Support Gold 20Pack", Short: "GOLD",
		Covers: []string{"on-premises"}, Portals: []string{"oas", "mpn"},
		Included: []IncludedUnits{{Unit: Incident, Quantity: 2}},
		TimeZone: "UTC", Contact: theContact, RegisteredOn: day("2026-02-20"),
	}
	for _, change := range changes {
		change(e)
	}
	return facts{e}
}

// inTerm is the usual term: the year from 1 March 2026, UTC.
func inTerm() facts { return term(StatusActive, "2026-03-01", "2027-02-28") }

// term is a term in UTC.
func term(status Status, starts, expires string) facts {
	first, last := day(starts), day(expires)
	return facts{&Activated{
		Status: status, StartsOn: first, ExpiresOn: last,
		StartsAt: instant(first.String() + "T00:00:00Z"), EndsAt: instant(last.AddDays(1).String() + "T00:00:00Z"),
	}}
}

const (
	termStarts = "2026-03-01T00:00:00Z"
	termEnds   = "2027-03-01T00:00:00Z"
)

// active is the usual contract in its term with so many incidents in grant g1.
func active(incidents int64) facts { return given(registered(), inTerm(), granted(1, incidents)) }

// waiting is the usual contract with its term, of two incidents, in June.
func waiting() facts {
	return given(registered(), term(StatusWaiting, "2026-06-01", "2027-05-31"), granted(1, 2))
}

const waitingStarts, waitingEnds = "2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z"

// unlimited is a contract without limit, for the azure portal.
func unlimited() facts {
	return given(
		registered(func(e *Registered) {
			e.Programme, e.ServiceName, e.Short, e.PlanText = "cloud", "Signature Cloud Support", "SCS", "SCS"
			e.Covers, e.Portals = []string{"online", "azure"}, []string{"azure"}
			e.Included = []IncludedUnits{{Unit: Incident, Unlimited: true}}
		}),
		inTerm(),
		facts{&GrantAdded{Grant: 1, Unit: Incident, Unlimited: true, Source: Included}},
	)
}

func granted(id GrantID, quantity int64) facts { return grantedFrom(Included, id, quantity, "") }

// grantedFrom is a grant of incidents with an end of its own, or "".
func grantedFrom(source Source, id GrantID, quantity int64, ends string) facts {
	e := &GrantAdded{Grant: id, Unit: Incident, Quantity: quantity, Source: source, EndsAt: instant(ends)}
	if ends != "" {
		e.ExpiresOn = catalog.DateOf(e.EndsAt.Add(-1), time.UTC)
	}
	return facts{e}
}

func grantedMinutes(id GrantID, quantity int64) facts {
	return facts{&GrantAdded{Grant: id, Unit: Minute, Quantity: quantity, Source: Included}}
}

func adjusted(id GrantID, quantity, available int64) facts {
	return facts{&GrantAdjusted{Grant: id, Unit: Incident, Quantity: quantity, Available: available, Reason: "why"}}
}

func lapsed(id GrantID, quantity int64, ended string) facts {
	return facts{&GrantLapsed{Grant: id, Unit: Incident, Quantity: quantity, EndedAt: instant(ended)}}
}

func suspended() facts { return facts{&Suspended{Reason: "why"}} }
func resumed() facts   { return facts{&Resumed{Reason: "why"}} }
func cancelled() facts { return facts{&Cancelled{Reason: "why"}} }

func expired(ended string) facts { return facts{&Expired{EndedAt: instant(ended)}} }

func renewed(starts string) facts {
	return facts{&Renewed{Successor: successor, StartsOn: day(starts), Reason: "why"}}
}

func linked(accounts ...uuid.UUID) facts {
	var all facts
	for _, account := range accounts {
		all = append(all, &AccountLinked{Account: account, Portal: "oas", At: instant(now)})
	}
	return all
}

func inherited(account uuid.UUID, at string) facts {
	return facts{&AccountLinked{Account: account, Inherited: predecessor, At: instant(at)}}
}

func unlinked(account uuid.UUID, reason string) facts {
	return facts{&AccountUnlinked{Account: account, Reason: reason}}
}

// submitted is Ani's usual incident: at oas, about windows, severity C.
func submitted(n Number, changes ...func(*IncidentSubmitted)) facts {
	e := &IncidentSubmitted{
		Number: n, Account: ani, Portal: "oas", Product: "windows", Family: "on-premises",
		ProblemType: "setup", Category: "install", Title: "It does not start", Severity: "C",
		Response: catalog.Response{Time: "PT8H", Hours: catalog.ResponseBusiness, DueAt: instant("2026-03-02T18:00:00Z")},
		Texts:    theTexts, Agreement: "2026-01", OpenedAt: instant(now),
	}
	for _, change := range changes {
		change(e)
	}
	return facts{e}
}

func deducted(n Number, g GrantID, left int64) facts {
	return facts{&IncidentDeducted{Number: n, Grant: g, Unit: Incident, Quantity: 1, Remaining: &left}}
}

func credited(n Number, g GrantID, left int64) facts {
	return facts{&IncidentCreditedBack{Number: n, Grant: g, Unit: Incident, Quantity: 1, Remaining: &left}}
}

// paid is Ani's usual incident with its deduction from g1.
func paid(n Number, left int64) facts { return given(submitted(n), deducted(n, 1, left)) }

func commented(n Number, author string, first *FirstResponse) facts {
	return facts{&IncidentCommented{Number: n, Author: author, Texts: theComment, FirstResponse: first}}
}

func severityChanged(n Number, from, to string, promised catalog.Response) facts {
	return facts{&IncidentSeverityChanged{Number: n, Severity: to, Previous: from, Response: promised, Reason: "why"}}
}

// closed is a closing with one of the vendor's codes and days.
func closed(n Number, code, at string) facts {
	c, _ := vendor().ClosureCode(code)
	closing := instant(at)
	return facts{&IncidentClosed{
		Number: n, Closure: code, Decrement: c.Decrement, Texts: theSolving, ClosedAt: closing,
		ReopenUntil: closing.Add(14 * 24 * time.Hour), ReclassifyUntil: closing.Add(60 * 24 * time.Hour),
	}}
}

func reopened(n Number) facts { return facts{&IncidentReopened{Number: n, Reason: "why"}} }

func reclassified(n Number, from, to string) facts {
	c, _ := vendor().ClosureCode(to)
	return facts{&IncidentReclassified{Number: n, Closure: to, Previous: from, Decrement: c.Decrement, Reason: "why"}}
}
