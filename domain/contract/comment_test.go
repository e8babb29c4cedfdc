package contract

import "testing"

func TestR23_TheFirstResponse(t *testing.T) {
	const due, late = "2026-03-02T18:00:00Z", "2026-03-02T18:00:01Z"
	at := func(t string, met bool) *FirstResponse { return &FirstResponse{At: instant(t), Met: met} }
	open := given(active(2), linked(ani), paid(9, 1))
	answered := given(open, commented(9, "engineer", at(now, true)))
	raised := given(open, severityChanged(9, "C", "A", always("PT2H", "2026-03-02T12:00:00Z")))
	done := given(open, closed(9, "resolved", now))
	again := given(done, reopened(9))
	spec{
		"is the engineer's first comment":               {open, when(comment(9, asEngineer)), then(commented(9, "engineer", at(now, true)))},
		"is in time to the instant it is due":           {open, when(comment(9, asEngineer)).at(due), then(commented(9, "engineer", at(due, true)))},
		"is late a second later":                        {open, when(comment(9, asEngineer)).at(late), then(commented(9, "engineer", at(late, false)))},
		"is not the customer's comment":                 {open, when(comment(9, asAni)), then(commented(9, "customer", nil))},
		"comes though the customer spoke first":         {given(open, commented(9, "customer", nil)), when(comment(9, asEngineer)), then(commented(9, "engineer", at(now, true)))},
		"comes once":                                    {answered, when(comment(9, asEngineer)).at(late), then(commented(9, "engineer", nil))},
		"comes once, reopened or not":                   {given(answered, closed(9, "resolved", now), reopened(9)), when(comment(9, asEngineer)), then(commented(9, "engineer", nil))},
		"is judged by the severity as it is now":        {raised, when(comment(9, asEngineer)).at(due), then(commented(9, "engineer", at(due, false)))},
		"may come when all is over":                     {done, when(comment(9, asEngineer)), then(commented(9, "engineer", at(now, true)))},
		"R36: another account says nothing":             {open, when(comment(9, asBudi)), refuses("incident-not-found")},
		"a closed incident is commented on":             {done, when(comment(9, asAni)), then(commented(9, "customer", nil))},
		"until it is settled, to the instant":           {done, when(comment(9, asAni)).at(lastReclassify), then(commented(9, "customer", nil))},
		"and no longer":                                 {done, when(comment(9, asAni)).at(afterReclassify), refuses("incident-closed")},
		"a reopened one for ever":                       {again, when(comment(9, asAni)).at("2026-12-31T00:00:00Z"), then(commented(9, "customer", nil))},
		"R36: after unlinking own ones":                 {given(open, unlinked(ani, "")), when(comment(9, asAni)), then(commented(9, "customer", nil))},
		"R15: where no contract pays":                   {submitted(9), when(comment(9, asAni)), then(commented(9, "customer", nil))},
		"the same words again are said again":           {given(open, commented(9, "customer", nil)), when(comment(9, asAni)), then(commented(9, "customer", nil))},
		"R4: work goes on when the contract has ended":  {given(open, cancelled()), when(comment(9, asEngineer)), then(commented(9, "engineer", at(now, true)))},
		"one that nobody submitted is long settled":     {active(2), when(comment(9, asEngineer)), refuses("incident-closed")},
		"R5: the end of the contract is recorded first": {open, when(comment(9, asAni)).at(termEnds), then(expired(termEnds), lapsed(1, 1, termEnds), commented(9, "customer", nil))},
	}.run(t)
}
