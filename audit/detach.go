package audit

import (
	"unique"

	"github.com/supportledger/supportledger/domain/contract"
)

// detach makes what a stream's check keeps of an event small: words that many
// contracts have in common are kept once, and none of them holds on to the whole
// text that it was read from.
func detach(e any) {
	switch e := e.(type) {
	case *contract.IncidentSubmitted:
		once(&e.Severity, &e.Country)
	case *contract.Registered:
		once(&e.Programme, &e.ServiceName, &e.Short, &e.PlanText, &e.Country, &e.TimeZone, &e.Language)
		for _, words := range [][]string{e.Covers, e.Portals} {
			for i := range words {
				once(&words[i])
			}
		}
	}
}

func once(words ...*string) {
	for _, w := range words {
		*w = unique.Make(*w).Value()
	}
}
