package contract

import (
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
)

// The responses that the vendor promises at the times of these tests.
func always(time, due string) catalog.Response {
	return catalog.Response{Time: time, Hours: catalog.ResponseAlways, DueAt: instant(due)}
}

func business(time, due string) catalog.Response {
	return catalog.Response{Time: time, Hours: catalog.ResponseBusiness, DueAt: instant(due)}
}

func TestR23_ChangingTheSeverity(t *testing.T) {
	const later = "2026-03-02T15:00:00Z"
	open := given(active(2), linked(ani), paid(9, 1))
	urgent := given(open, severityChanged(9, "C", "A", always("PT2H", "2026-03-02T12:00:00Z")))
	indonesian := given(active(2), linked(ani), submitted(9, func(e *IncidentSubmitted) { e.Country = "ID" }), deducted(9, 1, 1))
	done := given(open, closed(9, "resolved", now))
	odd := given(active(2), submitted(9, func(e *IncidentSubmitted) { e.Severity = "withdrawn" }))
	spec{
		"an engineer may raise it":                     {open, when(changeSeverity(9, asEngineer, "A")), then(severityChanged(9, "C", "A", always("PT2H", "2026-03-02T12:00:00Z")))},
		"an engineer may lower it":                     {urgent, when(changeSeverity(9, asEngineer, "C")), then(severityChanged(9, "A", "C", business("PT8H", "2026-03-02T18:00:00Z")))},
		"a customer may lower it":                      {urgent, when(changeSeverity(9, asAni, "B")), then(severityChanged(9, "A", "B", business("PT4H", "2026-03-02T14:00:00Z")))},
		"a customer may not raise it":                  {open, when(changeSeverity(9, asAni, "B")), refuses("severity-not-raised")},
		"not even back to what it was":                 {given(urgent, severityChanged(9, "A", "C", catalog.Response{})), when(changeSeverity(9, asAni, "A")), refuses("severity-not-raised")},
		"the same one changes nothing":                 {open, when(changeSeverity(9, asAni, "C")), thenNothing},
		"the response is counted from the change":      {open, when(changeSeverity(9, asEngineer, "B")).at(later), then(severityChanged(9, "C", "B", business("PT4H", "2026-03-03T09:00:00Z")))},
		"around the clock too":                         {open, when(changeSeverity(9, asEngineer, "A")).at(later), then(severityChanged(9, "C", "A", always("PT2H", "2026-03-02T17:00:00Z")))},
		"by the calendar of the contract's country":    {indonesian, when(changeSeverity(9, asEngineer, "B")), then(severityChanged(9, "C", "B", business("PT4H", "2026-03-04T05:00:00Z")))},
		"one that is not in the catalogue":             {open, when(changeSeverity(9, asEngineer, "Z")), refuses("invalid-field:severity")},
		"R36: another account may not, as if unknown":  {open, when(changeSeverity(9, asBudi, "C")), refuses("incident-not-found")},
		"a closed incident keeps its own":              {done, when(changeSeverity(9, asEngineer, "A")), refuses("incident-closed")},
		"however long it is closed":                    {done, when(changeSeverity(9, asEngineer, "A")).at(afterReclassify), refuses("incident-closed")},
		"a reopened one can change":                    {given(done, reopened(9)), when(changeSeverity(9, asEngineer, "A")), thenEvents("incident.severity-changed.v1")},
		"one that left the catalogue is least urgent":  {odd, when(changeSeverity(9, asAni, "C")), refuses("severity-not-raised")},
		"and an engineer brings it back in":            {odd, when(changeSeverity(9, asEngineer, "C")), thenEvents("incident.severity-changed.v1")},
		"R15: where no contract pays too":              {submitted(9), when(changeSeverity(9, asEngineer, "A")), thenEvents("incident.severity-changed.v1")},
		"R4: whatever state the contract is in":        {given(open, cancelled()), when(changeSeverity(9, asAni, "C")), thenNothing},
		"R36: an account that has unlinked still may":  {given(urgent, unlinked(ani, "")), when(changeSeverity(9, asAni, "C")), thenEvents("incident.severity-changed.v1")},
		"R5: what is due is recorded with it, as ever": {open, when(changeSeverity(9, asAni, "C")).at(termEnds), then(expired(termEnds), lapsed(1, 1, termEnds))},
	}.run(t)
}
