package contract

import (
	"reflect"
	"testing"

	"github.com/google/uuid"
)

func TestR7_Linking(t *testing.T) {
	at := func(portal, product string) *Link { return &Link{Account: ani, Portal: portal, Product: product} }
	atAzure := facts{&AccountLinked{Account: ani, Portal: "azure", At: instant(now)}}
	spec{
		"an account that knows the pair":                   {active(2), when(link(ani)), then(linked(ani))},
		"several accounts may":                             {given(active(2), linked(ani)), when(link(budi)), then(linked(budi))},
		"once is enough":                                   {given(active(2), linked(ani)), when(link(ani)), thenNothing},
		"even where it cannot pay any more":                {given(active(1), linked(ani), paid(1, 0)), when(link(ani)), thenNothing},
		"again after unlinking":                            {given(active(2), linked(ani), unlinked(ani, "")), when(link(ani)), then(linked(ani))},
		"R11: for any product of the portal":               {active(2), when(at("oas", "")), then(linked(ani))},
		"R11: for any product of another portal":           {unlimited(), when(at("azure", "")), then(atAzure)},
		"R11: not where none of its products is covered":   {active(2), when(at("azure", "")), refuses("pair-not-valid")},
		"R8: not with a product that is not covered":       {unlimited(), when(at("oas", "windows")), refuses("pair-not-valid")},
		"R8: not at a portal that is not accepted":         {notAtOAS(), when(at("oas", "windows")), refuses("pair-not-valid")},
		"R8: not before the term":                          {waiting(), when(link(ani)), refuses("pair-not-valid")},
		"R8: not where nothing is left":                    {given(active(1), linked(ani), paid(1, 0)), when(link(budi)), refuses("pair-not-valid")},
		"R8: not after the term, recorded or not":          {active(2), when(link(ani)).at(termEnds), refuses("pair-not-valid")},
		"R5: a second before the end":                      {active(2), when(at("oas", "")).at("2027-02-28T23:59:59Z"), thenEvents("account.linked.v1")},
		"R8: an unknown pair":                              {nothing, when(link(ani)), refuses("pair-not-valid")},
		"R13: a product at the wrong portal":               {active(2), when(at("oas", "azure")), refuses("wrong-portal:portal")},
		"R15: a portal where IDs are not used":             {active(2), when(at("office", "")), refuses("ids-not-used:payment")},
		"an unknown portal":                                {active(2), when(at("xbox", "")), refuses("invalid-field:portal")},
		"an unknown product":                               {active(2), when(at("oas", "xbox")), refuses("invalid-field:product")},
		"unlinking":                                        {given(active(2), linked(ani)), when(unlink(ani)), then(unlinked(ani, ""))},
		"unlinking with incidents open":                    {given(active(2), linked(ani), paid(1, 1)), when(unlink(ani)), then(unlinked(ani, ""))},
		"unlinking what is not linked":                     {given(active(2), linked(ani)), when(unlink(budi)), refuses("link-not-found")},
		"unlinking twice":                                  {given(active(2), linked(ani), unlinked(ani, "")), when(unlink(ani)), refuses("link-not-found")},
		"after unlinking the contract cannot be picked":    {given(active(2), linked(ani), unlinked(ani, "")), when(submit()), refuses("contract-not-found")},
		"R36: but own incidents can still be commented on": {given(active(2), linked(ani), paid(1, 1), unlinked(ani, "")), when(comment(1, asAni)), then(commented(1, "customer", nil))},
	}.run(t)
}

// notAtOAS is a contract that is accepted at the partner portal only.
func notAtOAS() facts {
	return given(registered(func(e *Registered) { e.Portals = []string{"mpn"} }), inTerm(), granted(1, 2))
}

// TestR8_EveryPairThatIsNotValidIsAnsweredAlike compares whole refusals.
func TestR8_EveryPairThatIsNotValidIsAnsweredAlike(t *testing.T) {
	pasts := map[string]facts{
		"unknown": nothing, "registered": registered(), "waiting": waiting(), "suspended": given(active(2), suspended()),
		"cancelled": given(active(2), cancelled()), "expired": given(active(2), expired(termEnds)),
		"another programme": unlimited(), "another portal": notAtOAS(), "empty": active(0),
	}
	for name, past := range pasts {
		for _, wish := range []Command{link(ani), submit(byPair)} {
			_, err := answer(past, when(wish))
			if !reflect.DeepEqual(err, error(RefusePair())) {
				t.Errorf("%s: %T is answered %v, want %v", name, wish, err, RefusePair())
			}
		}
	}
	if RefusePair().Code != "pair-not-valid" {
		t.Errorf("the code is %s", RefusePair().Code)
	}
}

func TestR7_AnAccountThatNobodyLinkedIsNotLinked(t *testing.T) {
	if stateAfter(active(2)).Linked(uuid.Nil) || new(State).Linked(ani) {
		t.Error("somebody is linked to a contract that nobody linked")
	}
}
