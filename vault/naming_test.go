package vault

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestR2_NamesNeverChange(t *testing.T) {
	k := fixedKeys(1)
	command := k.Command(person(1), "POST /v1/incidents", "target", "key")
	access, contract := k.DerivePair(command)
	for what, c := range map[string][2]string{
		"contract stream": {k.ContractStream("0230242323", "1234567890").String(), "9fc0cd10-2c25-8034-8954-5280db397aa3"},
		"account":         {k.Account("https://issuer", "ani").String(), "e61fbd5f-b619-8ef1-afb3-be62562ac5e8"},
		"contact":         {k.Contact("ani@example.org").String(), "54ec5cef-ab33-88ef-85f0-c37d9fabd17e"},
		"command":         {command.String(), "4dddad65-70b7-87a8-9a05-a298830b2fbf"},
		"derived":         {k.Derive(command, "incident").String(), "19791c8d-41b1-873e-b333-c979ca465ddb"},
		"pair":            {access + " " + contract, "4417595595 6580799998"},
		"fingerprint":     {fmt.Sprintf("%x", k.Fingerprint([]byte("{}"))), "3f45a766738ca573a171ddbdc9fdedab"},
		"number":          {fmt.Sprintf("%015d", middleOf(t, k, june, 7)), "000000006599641"},
		"digest":          {k.Digest("link refused", "0230242323"), "b1de2b2644f561022c7fb34df0be6cc9"},
		"installation":    {k.Installation().String(), "bebeb4d2-2347-8072-b289-acd7981f2010"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %s, was %s: every installation's data would be lost", what, c[0], c[1])
		}
	}
}

func TestR2_EveryDigitOfThePairCounts(t *testing.T) {
	k := Generate()
	differ(t, map[string]uuid.UUID{
		"pair":                  k.ContractStream("0230242323", "1234567890"),
		"without leading zero":  k.ContractStream("230242323", "1234567890"),
		"digit moved over":      k.ContractStream("02302423231", "234567890"),
		"changed places":        k.ContractStream("1234567890", "0230242323"),
		"another installation":  Generate().ContractStream("0230242323", "1234567890"),
		"as an account":         k.Account("0230242323", "1234567890"),
		"as what is derived":    k.Derive(person(1), "0230242323"),
		"another person's":      k.Derive(person(2), "0230242323"),
		"as an e-mail address":  k.Contact("0230242323"),
		"as a command":          k.Command(person(1), "0230242323", "1234567890", ""),
		"command, moved over":   k.Command(person(1), "0230242323", "", "1234567890"),
		"command of another":    k.Command(person(2), "0230242323", "1234567890", ""),
		"account, moved over":   k.Account("02302423231", "234567890"),
		"account, empty issuer": k.Account("", "02302423231234567890"),
		"the installation":      k.Installation(),
		"another one":           Generate().Installation(),
	})
}

func TestR2_NamesAreUUIDsOfVersion8(t *testing.T) {
	k := Generate()
	for i := range 1000 {
		id := k.Derive(person(i), "test")
		if id.Version() != 8 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("%v has version %v, variant %v", id, id.Version(), id.Variant())
		}
	}
}

func TestAContactIsOnePersonHoweverTheAddressIsWritten(t *testing.T) {
	k := Generate()
	if k.Contact(" Ani@Example.ORG\t") != k.Contact("ani@example.org") {
		t.Error("case or space around it makes another person")
	}
	if k.Contact("a ni@example.org") == k.Contact("ani@example.org") {
		t.Error("space inside does not count")
	}
}

func TestR3_DigestsAreKeyedAndSeparate(t *testing.T) {
	k, other := Generate(), Generate()
	print, digest := k.Fingerprint([]byte("body")), k.Digest("a", "b")
	if print != k.Fingerprint([]byte("body")) || digest != k.Digest("a", "b") {
		t.Error("the same data has two digests")
	}
	if print == other.Fingerprint([]byte("body")) || digest == other.Digest("a", "b") {
		t.Error("the digest does not depend on the key")
	}
	if k.Digest("a", "b") == k.Digest("ab", "") || k.Digest("a", "b") == k.Digest("b", "a") {
		t.Error("purpose and data mix")
	}
	if fmt.Sprintf("%x", k.Fingerprint([]byte("a"))) == k.Digest("", "a") {
		t.Error("fingerprint and digest mix")
	}
}

func TestR1_GeneratedPairsHaveTenUniformDigits(t *testing.T) {
	k := Generate()
	const pairs = 20_000
	var counts [2 * pairDigits][10]float64
	for i := range pairs {
		access, contract := k.DerivePair(person(i))
		if len(access) != pairDigits || len(contract) != pairDigits || access == contract {
			t.Fatalf("pair %q, %q", access, contract)
		}
		for place, digit := range access + contract {
			counts[place][digit-'0']++
		}
	}
	for place, digits := range counts {
		chi := 0.0
		for _, n := range digits {
			chi += math.Pow(n-pairs/10, 2) / (pairs / 10)
		}
		if chi > 45 { // nine degrees of freedom: one in a million
			t.Errorf("place %d: chi square %.1f over %v", place, chi, digits)
		}
	}
}

func TestR1_APairIsFoundAgainByItsCommand(t *testing.T) {
	k := Generate()
	a1, c1 := k.DerivePair(person(1))
	a2, c2 := k.DerivePair(person(1))
	if a1 != a2 || c1 != c2 {
		t.Error("a repeat generates another pair")
	}
	if a3, c3 := Generate().DerivePair(person(1)); a1 == a3 || c1 == c3 {
		t.Error("the pair does not depend on the key")
	}
}

func TestR1_WordsThatFavourLowDigitsAreDropped(t *testing.T) {
	words := []uint64{math.MaxUint64, math.MaxUint64 - math.MaxUint64%10_000_000_000, 7}
	next := func() uint64 {
		word := words[0]
		words = words[1:]
		return word
	}
	if got := tenDigits(next); got != "0000000007" {
		t.Errorf("got %s", got)
	}
}

func TestNamesAreTheSameForCallersAtOnce(t *testing.T) {
	k := Generate()
	want := k.ContractStream("1", "2")
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 500 {
				k.Account("x", fmt.Sprint(i))
				if k.ContractStream("1", "2") != want {
					t.Error("another name")
				}
			}
		})
	}
	callers.Wait()
}

func differ(t *testing.T, ids map[string]uuid.UUID) {
	t.Helper()
	seen := map[uuid.UUID]string{}
	for what, id := range ids {
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have one name", what, other)
		}
		seen[id] = what
	}
}
