package contract

import (
	"slices"
	"testing"

	"github.com/google/uuid"
)

// situation is a contract in one of R4's states, with Ani's link and, once it
// can have one, her open incident number 9.
type situation struct {
	status Status
	past   facts
}

func situations() []situation {
	before := given(active(2), linked(ani), paid(9, 1))
	return []situation{
		{StatusRegistered, given(registered(), linked(ani), grantedFrom(Added, 1, 2, ""))},
		{StatusWaiting, given(waiting(), linked(ani))},
		{StatusActive, before},
		{StatusSuspended, given(before, suspended())},
		{StatusExpired, given(registered(), term(StatusActive, "2025-03-01", "2026-02-28"), granted(1, 2), linked(ani), paid(9, 1), expired("2026-03-01T00:00:00Z"), lapsed(1, 1, "2026-03-01T00:00:00Z"))},
		{StatusCancelled, given(before, cancelled(), lapsed(1, 1, now))},
	}
}

// What a wish comes to in a state, where it is not refused with a code.
const (
	happens = "happens"
	already = "already so"
)

// TestR4_EveryWishInEveryState is R4's table, wish by wish; the columns are the
// states in the order of situations. A refusal's code is the state.
func TestR4_EveryWishInEveryState(t *testing.T) {
	table := map[string]struct {
		wish Command
		in   [6]string // registered, waiting, active, suspended, expired, cancelled
	}{
		"activate":               {activate(), [6]string{happens, already, already, "suspended", "expired", "cancelled"}},
		"suspend":                {suspend(), [6]string{"not-activated", "waiting", happens, already, "expired", "cancelled"}},
		"resume":                 {resume(), [6]string{"not-activated", "waiting", already, happens, "expired", "cancelled"}},
		"cancel":                 {cancel(), [6]string{happens, happens, happens, happens, "expired", already}},
		"renew":                  {renew(), [6]string{"not-activated", happens, happens, happens, happens, "cancelled"}},
		"reissue":                {reissue(ani), [6]string{happens, happens, happens, happens, "expired", "cancelled"}},
		"grant":                  {grant(5), [6]string{happens, happens, happens, happens, "expired", "cancelled"}},
		"adjust":                 {adjust(1, 1), [6]string{"not-activated", "waiting", happens, happens, "expired", "cancelled"}},
		"spend":                  {submit(), [6]string{"not-activated", "waiting", happens, "suspended", "expired", "cancelled"}},
		"spend by its IDs":       {submit(byPair), [6]string{"not-activated", "waiting", happens, "suspended", "expired", "cancelled"}},
		"link once more":         {link(ani), [6]string{already, already, already, already, already, already}},
		"link for the first":     {link(budi), [6]string{"pair-not-valid", "pair-not-valid", happens, "pair-not-valid", "pair-not-valid", "pair-not-valid"}},
		"unlink":                 {unlink(ani), [6]string{happens, happens, happens, happens, happens, happens}},
		"register the pair":      {register(), [6]string{"pair-exists", "pair-exists", "pair-exists", "pair-exists", "pair-exists", "pair-exists"}},
		"work on an incident":    {comment(9, asEngineer), [6]string{"incident-closed", "incident-closed", happens, happens, happens, happens}},
		"close it as counted":    {closing(9, "resolved"), [6]string{AlreadyClosed, AlreadyClosed, happens, happens, happens, happens}},
		"close it and credit":    {closing(9, "duplicate"), [6]string{AlreadyClosed, AlreadyClosed, happens, happens, happens, happens}},
		"change its severity":    {changeSeverity(9, asEngineer, "A"), [6]string{"incident-closed", "incident-closed", happens, happens, happens, happens}},
		"reopen an open one":     {reopen(9), [6]string{"reopen-too-late", "reopen-too-late", already, already, already, already}},
		"reclassify an open one": {reclassify(9, "duplicate"), [6]string{"reclassify-too-late", "reclassify-too-late", "not-closed", "not-closed", "not-closed", "not-closed"}},
	}
	for name, row := range table {
		for i, s := range situations() {
			t.Run(name+" when "+string(s.status), func(t *testing.T) {
				got, err := answer(s.past, when(row.wish).number(1))
				switch want := row.in[i]; want {
				case happens:
					if err != nil || len(got) == 0 {
						t.Errorf("%d facts and error %v, want it to happen", len(got), err)
					}
				case already:
					thenNothing(t, got, err)
				default:
					refuses(want)(t, got, err)
				}
			})
		}
	}
}

// TestR4_StatesLeaveOnlyWhereTheyMay makes every wish in every state, lets years
// pass, and looks where the contract has got to.
func TestR4_StatesLeaveOnlyWhereTheyMay(t *testing.T) {
	leaves := map[Status][]Status{
		StatusRegistered: {StatusWaiting, StatusActive, StatusCancelled},
		StatusWaiting:    {StatusActive, StatusCancelled},
		StatusActive:     {StatusSuspended, StatusExpired, StatusCancelled},
		StatusSuspended:  {StatusActive, StatusExpired, StatusCancelled},
	}
	wishes := []Command{activate(), suspend(), resume(), cancel(), renew(), reissue(), grant(1), adjust(1, 1), submit(), closing(9, "resolved")}
	later := registered(func(e *Registered) { e.StartsOn = day("2026-06-01") })
	all := append(situations(), situation{StatusRegistered, later})
	reached := make(map[Status][]Status)
	reach := func(from, to Status) {
		if from != to && !slices.Contains(reached[from], to) {
			reached[from] = append(reached[from], to)
		}
	}
	for _, from := range all {
		for _, wish := range wishes {
			state := stateAfter(from.past)
			if got, err := Decide(state, when(wish).moment, wish); err == nil {
				Evolve(state, got...)
			}
			reach(from.status, state.Status(instant(now)))
		}
		state := stateAfter(from.past)
		if next := state.NextDue(); !next.IsZero() {
			reach(from.status, state.Status(next))
		}
	}
	for from, to := range leaves {
		slices.Sort(to)
		slices.Sort(reached[from])
		if !slices.Equal(to, reached[from]) {
			t.Errorf("%s leads to %v, want %v", from, reached[from], to)
		}
	}
	if len(reached[StatusExpired])+len(reached[StatusCancelled]) > 0 {
		t.Errorf("expired leads to %v and cancelled to %v, want nowhere", reached[StatusExpired], reached[StatusCancelled])
	}
}

func TestR4_SuspendingResumingAndCancelling(t *testing.T) {
	spec{
		"suspending says why":                             {given(active(2)), when(suspend()), then(suspended())},
		"resuming says why":                               {given(active(2), suspended()), when(resume()), then(resumed())},
		"what was suspended again after resuming is so":   {given(active(2), suspended(), resumed(), suspended()), when(suspend()), thenNothing},
		"cancelling lets what is left lapse":              {given(active(2)), when(cancel()), then(cancelled(), lapsed(1, 2, now))},
		"cancelling lets each grant lapse":                {given(active(2), grantedFrom(Added, 2, 7, "")), when(cancel()), then(cancelled(), lapsed(1, 2, now), lapsed(2, 7, now))},
		"cancelling lapses nothing where nothing is left": {given(active(1), linked(ani), paid(1, 0)), when(cancel()), then(cancelled())},
		"cancelling a suspended contract lapses too":      {given(active(2), suspended()), when(cancel()), then(cancelled(), lapsed(1, 2, now))},
		"an unlimited unit has nothing to lapse":          {unlimited(), when(cancel()), then(cancelled())},
		"a contract nobody registered is unknown":         {nothing, when(suspend()), refuses("contract-not-found")},
	}.run(t)
}

func TestR4_WishesAboutAnUnknownContract(t *testing.T) {
	for name, c := range map[string]struct {
		wish Command
		code string
	}{
		"activate": {activate(), "contract-not-found"}, "suspend": {suspend(), "contract-not-found"},
		"resume": {resume(), "contract-not-found"}, "cancel": {cancel(), "contract-not-found"},
		"renew": {renew(), "contract-not-found"}, "reissue": {reissue(), "contract-not-found"},
		"grant": {grant(1), "contract-not-found"}, "adjust": {adjust(1, 1), "contract-not-found"},
		"submit": {submit(), "contract-not-found"}, "unlink": {unlink(ani), "link-not-found"},
		"link": {link(ani), "pair-not-valid"}, "submit by pair": {submit(byPair), "pair-not-valid"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answer(nothing, when(c.wish))
			refuses(c.code)(t, got, err)
		})
	}
}

func TestAContractSaysWhoIsLinked(t *testing.T) {
	s := stateAfter(active(2), linked(ani, budi), unlinked(budi, ""))
	if !s.Linked(ani) || s.Linked(budi) || s.Linked(uuid.Nil) {
		t.Errorf("linked: %v, want Ani only", s.Links())
	}
	if !s.Links()[ani].At.Equal(instant(now)) {
		t.Errorf("Ani is linked since %v, want %s", s.Links()[ani], now)
	}
}
