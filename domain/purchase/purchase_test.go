package purchase

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

var (
	ani    = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	budi   = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
	single = uuid.MustParse("00000000-0000-4000-8000-0000000000f1")
	now    = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
)

func shelf() *catalog.Catalog {
	return &catalog.Catalog{
		Families: []catalog.Family{{ID: "boxes"}, {ID: "online"}, {ID: "azure"}, {ID: "cloud", Of: []string{"online", "azure"}}, {ID: "spare"}},
		Programmes: []catalog.Programme{
			{ID: "pack", Covers: []string{"boxes", "spare"}},
			{ID: "single", Bought: true, Covers: []string{"boxes", "online", "azure"}},
		},
	}
}

func TestR34_Purchases(t *testing.T) {
	register := func(reference, family string, quantity int64, account uuid.UUID) *Register {
		return &Register{Reference: reference, Account: account, Family: family, Quantity: quantity, Contract: single, Catalog: shelf(), At: now}
	}
	registered := func(family string, families ...string) *Registered {
		return &Registered{Reference: "O-1", Account: ani, Family: family, Families: families, Quantity: 3, Programme: "single", Contract: single, RegisteredAt: now}
	}
	spend := func(who uuid.UUID) *Spend { return &Spend{Account: who, Number: 1, At: now} }
	spent := &Spent{Account: ani, Contract: single, Number: 1, SpentAt: now}
	boxes := []Event{registered("boxes", "boxes")}
	for rule, c := range map[string]struct {
		given   []Event
		when    Command
		then    []Event
		refused string
	}{
		"are registered":                            {nil, register("O-1", "boxes", 3, ani), boxes, ""},
		"for a name that stands for families":       {nil, register("O-1", "cloud", 3, ani), []Event{registered("cloud", "online", "azure")}, ""},
		"for any family only where all are sold":    {nil, register("O-1", "any", 3, ani), nil, "family"},
		"not for a family that is not sold":         {nil, register("O-1", "spare", 3, ani), nil, "family"},
		"nor for one that there is not":             {nil, register("O-1", "planes", 3, ani), nil, "family"},
		"at least one":                              {nil, register("O-1", "boxes", 0, ani), nil, "quantity"},
		"and no more than sums can hold":            {nil, register("O-1", "boxes", 1_000_000_001, ani), nil, "quantity"},
		"under a reference":                         {nil, register("", "boxes", 3, ani), nil, "reference"},
		"by an account":                             {nil, register("O-1", "boxes", 3, uuid.Nil), nil, "account"},
		"the same again changes nothing":            {boxes, register("O-1", "boxes", 3, ani), nil, ""},
		"another one needs another reference":       {boxes, register("O-1", "boxes", 2, ani), nil, ReferenceUsed},
		"so does one of another account":            {boxes, register("O-1", "boxes", 3, budi), nil, ReferenceUsed},
		"are spent by their account":                {boxes, spend(ani), []Event{spent}, ""},
		"and by no other, to whom they are unknown": {boxes, spend(budi), nil, "purchase-unknown"},
		"once":                    {append(boxes, spent), spend(ani), nil, ""},
		"not where there is none": {nil, spend(ani), nil, "purchase-unknown"},
	} {
		var s State
		Evolve(&s, c.given...)
		got, err := Decide(&s, c.when)
		refusal, _ := errors.AsType[*domain.Refusal](err)
		if !reflect.DeepEqual(got, c.then) {
			t.Errorf("%s: recorded is %+v, want %+v", rule, got, c.then)
		}
		if (c.refused == "") != (err == nil) {
			t.Errorf("%s: refused with %v, want %q", rule, err, c.refused)
		}
		if refusal != nil && refusal.Code != c.refused && (len(refusal.Fields) != 1 || refusal.Fields[0].Name != c.refused) {
			t.Errorf("%s: refused with %+v, want %q", rule, refusal, c.refused)
		}
	}
}
