package contract

import (
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

var (
	theQuestion = domain.Sealed[AdvisoryTexts]{Person: ani, Box: []byte("question")}
	theAdvice   = domain.Sealed[AdviceTexts]{Person: ani, Box: []byte("advice")}
)

// advised is the usual contract in its term with minutes: 60 in g1, included, and
// 100 in g2, added, which lapse before.
func advised() facts {
	short := grantedFrom(Added, 2, 100, "2026-06-01T00:00:00Z")
	short[0].(*GrantAdded).Unit = Minute
	return given(registered(), inTerm(), grantedMinutes(1, 60), short, linked(ani))
}

func advisoryOpened(n Number) facts {
	return facts{&AdvisoryOpened{Number: n, Account: ani, Portal: "mpn", Title: "Which one", Texts: theQuestion, OpenedAt: instant(now)}}
}

func openAdvisory(changes ...func(*OpenAdvisory)) *OpenAdvisory {
	c := &OpenAdvisory{Account: ani, Portal: "mpn", Title: "Which one", Texts: theQuestion}
	for _, change := range changes {
		change(c)
	}
	return c
}

func timeTaken(entry string, minutes, left int64, at string, parts ...GrantUnits) facts {
	return facts{&AdvisoryTimeDeducted{
		Number: 1, Entry: entry, Unit: Minute, Minutes: minutes, Parts: parts, Remaining: &left, Texts: theAdvice, At: instant(at),
	}}
}

func timeReturned(entry string, minutes, left int64, at string, parts ...GrantUnits) facts {
	return facts{&AdvisoryTimeCreditedBack{
		Number: 1, Entry: entry, Unit: Minute, Minutes: minutes, Parts: parts, Remaining: &left, Reason: "why", At: instant(at),
	}}
}

func minutesLapsed(id GrantID, quantity int64, ended string) facts {
	return facts{&GrantLapsed{Grant: id, Unit: Minute, Quantity: quantity, EndedAt: instant(ended)}}
}

func advisoryClosed(at string) facts {
	return facts{&AdvisoryClosed{Number: 1, Texts: theAdvice, ClosedAt: instant(at), CreditUntil: instant(at).AddDate(0, 0, 60)}}
}

func takeTime(entry string, minutes int64) *AdvisoryTime {
	return &AdvisoryTime{Number: 1, Entry: entry, Minutes: minutes, Texts: theAdvice}
}

func returnTime(entry string, minutes int64) *AdvisoryCredit {
	return &AdvisoryCredit{Number: 1, Entry: entry, Minutes: minutes, Reason: "why"}
}

func part(g GrantID, n int64) GrantUnits { return GrantUnits{g, n} }

func TestR32_AdvisoryRequestsAreOpened(t *testing.T) {
	ofPartner := given(registered(func(e *Registered) { e.PartnerID = "4648141" }), inTerm(), grantedMinutes(1, 60))
	by := func(partner string) func(*OpenAdvisory) {
		return func(c *OpenAdvisory) { c.Account, c.Partner = budi, partner }
	}
	opened := facts{&AdvisoryOpened{Number: 1, Account: budi, Portal: "mpn", Title: "Which one", Texts: theQuestion, OpenedAt: instant(now)}}
	spec{
		"on a contract that is linked":                  {advised(), when(openAdvisory()), then(advisoryOpened(1))},
		"on the partner's own, which needs no IDs":      {ofPartner, when(openAdvisory(by("4648141"))), then(opened)},
		"not on another partner's":                      {ofPartner, when(openAdvisory(by("4648142"))), refuses("contract-not-found")},
		"not on a stranger's":                           {ofPartner, when(openAdvisory()), refuses("contract-not-found")},
		"not on nobody's, for somebody without one":     {advised(), when(openAdvisory(by(""))), refuses("contract-not-found")},
		"not on one that there is not":                  {nothing, when(openAdvisory()), refuses("contract-not-found")},
		"not on a blank one":                            {given(registered(), linked(ani)), when(openAdvisory()), refuses("not-activated")},
		"not on a suspended one":                        {given(advised(), suspended()), when(openAdvisory()), refuses("suspended")},
		"not after its end":                             {advised(), when(openAdvisory()).at(termEnds), refuses("expired")},
		"with a title":                                  {advised(), when(openAdvisory(func(c *OpenAdvisory) { c.Title = "" })), refuses("invalid-field:title")},
		"opening takes nothing, so that none is needed": {given(active(1), linked(ani)), when(openAdvisory()), then(advisoryOpened(1))},
	}.run(t)
}

func TestR32_TimeIsTakenAllOrNothing(t *testing.T) {
	open := given(advised(), advisoryOpened(1))
	without := given(registered(), inTerm(), facts{&GrantAdded{Grant: 1, Unit: Minute, Unlimited: true, Source: Included}}, linked(ani), advisoryOpened(1))
	const later = "2026-06-01T00:00:00Z"
	spec{
		"from what lapses soonest (R18)":         {open, when(takeTime("e1", 90)), then(timeTaken("e1", 90, 70, now, part(2, 90)))},
		"then from the next":                     {open, when(takeTime("e1", 130)), then(timeTaken("e1", 130, 30, now, part(2, 100), part(1, 30)))},
		"to the last minute":                     {open, when(takeTime("e1", 160)), then(timeTaken("e1", 160, 0, now, part(2, 100), part(1, 60)))},
		"one more is refused, with what is left": {open, when(takeTime("e1", 161)), refusesSaying("none-available", "160 minutes")},
		"of what has lapsed nothing is taken":    {open, when(takeTime("e1", 61)).at(later), refusesSaying("none-available", "60 minutes")},
		"what lapses is recorded first":          {open, when(takeTime("e1", 60)).at(later), then(minutesLapsed(2, 100, later), timeTaken("e1", 60, 0, later, part(1, 60)))},
		"incidents do not help":                  {given(active(9), linked(ani), advisoryOpened(1)), when(takeTime("e1", 1)), refuses("none-available")},
		"without limit there is always enough": {without, when(takeTime("e1", 1440)), then(facts{&AdvisoryTimeDeducted{
			Number: 1, Entry: "e1", Unit: Minute, Minutes: 1440, Parts: []GrantUnits{part(1, 1440)}, Unlimited: true, Texts: theAdvice, At: instant(now),
		}})},
		"at least a minute":                {open, when(takeTime("e1", 0)), refuses("invalid-field:minutes")},
		"at most a day":                    {open, when(takeTime("e1", 1441)), refuses("invalid-field:minutes")},
		"under an id":                      {open, when(takeTime("", 1)), refuses("invalid-field:entry")},
		"once":                             {given(open, timeTaken("e1", 9, 151, now, part(2, 9))), when(takeTime("e1", 9)), thenNothing},
		"another entry needs another id":   {given(open, timeTaken("e1", 9, 151, now, part(2, 9))), when(takeTime("e1", 8)), refuses("entry-used")},
		"not while suspended":              {given(open, suspended()), when(takeTime("e1", 9)), refuses("suspended")},
		"not after the end":                {open, when(takeTime("e1", 9)).at(termEnds), refuses("expired")},
		"closed means no more time":        {given(open, advisoryClosed(now)), when(takeTime("e1", 9)), refuses("advisory-closed")},
		"not for an unknown request":       {advised(), when(takeTime("e1", 9)), refuses("advisory-closed")},
		"what was taken before is no news": {given(open, timeTaken("e1", 9, 151, now, part(2, 9)), advisoryClosed(now)), when(takeTime("e1", 9)), thenNothing},
	}.run(t)
}

func TestR32_TimeIsCreditedBack(t *testing.T) {
	taken := given(advised(), advisoryOpened(1), timeTaken("e1", 130, 30, now, part(2, 100), part(1, 30)))
	partly := given(taken, timeReturned("e1", 40, 70, now, part(1, 30), part(2, 10)))
	const later, credits = "2026-06-01T00:00:00Z", "2026-05-01T10:00:00Z"
	ended := given(taken, expired(termEnds), minutesLapsed(1, 30, termEnds))
	spec{
		"to what was taken from last first":          {taken, when(returnTime("e1", 20)), then(timeReturned("e1", 20, 50, now, part(1, 20)))},
		"then to the one before":                     {taken, when(returnTime("e1", 40)), then(timeReturned("e1", 40, 70, now, part(1, 30), part(2, 10)))},
		"what is left of the entry later":            {partly, when(returnTime("e1", 90)), then(timeReturned("e1", 90, 160, now, part(2, 90)))},
		"never more than was deducted":               {partly, when(returnTime("e1", 91)), refuses("below-zero")},
		"not even at once":                           {taken, when(returnTime("e1", 131)), refuses("below-zero")},
		"of an entry that there is":                  {taken, when(returnTime("e2", 1)), refuses("invalid-field:entry")},
		"at least a minute":                          {taken, when(returnTime("e1", 0)), refuses("invalid-field:minutes")},
		"also when suspended (R4)":                   {given(taken, suspended()), when(returnTime("e1", 20)), then(timeReturned("e1", 20, 50, now, part(1, 20)))},
		"what returns to a grant that lapsed lapses": {taken, when(returnTime("e1", 40)).at(later), then(timeReturned("e1", 40, 60, later, part(1, 30), part(2, 10)), minutesLapsed(2, 10, later))},
		"to a contract that has ended, too (R19)": {ended, when(returnTime("e1", 40)).at(termEnds), then(
			timeReturned("e1", 40, 0, termEnds, part(1, 30), part(2, 10)), minutesLapsed(1, 30, termEnds), minutesLapsed(2, 10, later))},
		"and to one that was cancelled": {given(taken, cancelled(), minutesLapsed(1, 30, now)), when(returnTime("e1", 10)).at(credits), then(
			timeReturned("e1", 10, 0, credits, part(1, 10)), minutesLapsed(1, 10, credits))},
		"also once it is closed":       {given(taken, advisoryClosed(now)), when(returnTime("e1", 20)).at(credits), then(timeReturned("e1", 20, 50, credits, part(1, 20)))},
		"to the last moment":           {given(taken, advisoryClosed("2026-03-02T10:00:00Z")), when(returnTime("e1", 20)).at("2026-05-01T10:00:00Z"), then(timeReturned("e1", 20, 50, credits, part(1, 20)))},
		"and not after it":             {given(taken, advisoryClosed("2026-03-02T10:00:00Z")), when(returnTime("e1", 20)).at("2026-05-01T10:00:00.000001Z"), refuses("credit-too-late")},
		"not of an unknown request":    {advised(), when(returnTime("e1", 1)), refuses("credit-too-late")},
		"a request is closed":          {taken, when(&CloseAdvisory{Number: 1, Texts: theAdvice}), then(advisoryClosed(now))},
		"once":                         {given(taken, advisoryClosed(now)), when(&CloseAdvisory{Number: 1, Texts: theAdvice}), thenNothing},
		"in every state (R4)":          {given(taken, suspended()), when(&CloseAdvisory{Number: 1, Texts: theAdvice}), then(advisoryClosed(now))},
		"one that is unknown is over":  {advised(), when(&CloseAdvisory{Number: 1, Texts: theAdvice}), thenNothing},
		"R10: what was moved is moved": {given(taken, facts{&Reissued{Successor: replacement, Status: StatusActive, Moved: []MovedUnits{{Grant: 1, Unit: Minute, Quantity: 30, Source: Included}}}}, cancelled()), when(returnTime("e1", 30)), then(timeReturned("e1", 30, 0, now, part(1, 30)), minutesLapsed(1, 30, now))},
	}.run(t)
}

// refusesSaying wants a refusal whose sentence says something.
func refusesSaying(code, words string) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		refuses(code)(t, got, err)
		if refusal := asRefusal(t, err); !strings.Contains(refusal.Detail, words) {
			t.Errorf("the refusal says %q, and not %q", refusal.Detail, words)
		}
	}
}
