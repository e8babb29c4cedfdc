package vault

import (
	"crypto/aes"
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

var june = time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)

func TestR25_ANumberHasDayCounterAndCheckDigit(t *testing.T) {
	k := Generate()
	for _, day := range []time.Time{june, time.Date(2009, 1, 2, 0, 0, 0, 0, time.UTC)} {
		number, err := k.MakeNumber(day, 0)
		must(t, err)
		text := fmt.Sprintf("%015d", number)
		if text[:6] != day.Format("060102") {
			t.Errorf("%s does not begin with the day %s", text, day.Format("060102"))
		}
		if got, ok := CheckNumber(text); !ok || got != number {
			t.Errorf("%s is checked as %d, %v", text, got, ok)
		}
	}
}

func TestR25_TheDayIsThatOfUTC(t *testing.T) {
	k := Generate()
	jakarta := time.FixedZone("WIB", 7*3600)
	a, err := k.MakeNumber(time.Date(2026, 6, 6, 6, 59, 0, 0, jakarta), 3)
	must(t, err)
	b, err := k.MakeNumber(june, 3)
	must(t, err)
	if a != b {
		t.Errorf("%d and %d on one day of UTC", a, b)
	}
}

// The whole day takes half a minute: TEST_LONG=1 asks for it.
func TestR25_NoTwoCountersOfADayShareANumber(t *testing.T) {
	k := Generate()
	counters := uint32(100_000)
	if os.Getenv("TEST_LONG") != "" {
		counters = NumbersPerDay
	}
	seen := make([]uint64, NumbersPerDay/64)
	for counter := range counters {
		number, err := k.MakeNumber(june, counter)
		must(t, err)
		middle := number / 10 % NumbersPerDay
		if seen[middle/64]&(1<<(middle%64)) != 0 {
			t.Fatalf("counter %d has a number that was given before", counter)
		}
		seen[middle/64] |= 1 << (middle % 64)
	}
	if _, err := k.MakeNumber(june, NumbersPerDay); err == nil {
		t.Error("a counter beyond the day has a number")
	}
}

func TestR25_ThePermutationIsOne(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, secretLen))
	must(t, err)
	for _, half := range []uint32{1, 2, 10, 100, 300} {
		seen := make([]bool, half*half)
		for counter := range half * half {
			image := permute(block, half, counter)
			if image >= half*half || seen[image] {
				t.Fatalf("half %d: %d is mapped to %d again or outside", half, counter, image)
			}
			seen[image] = true
		}
	}
}

func TestR25_ANumberTellsNothingOfItsCounter(t *testing.T) {
	k, other := Generate(), Generate()
	const counters, bins = 30_000, 100
	var high, low, step [bins]float64
	var previous uint64
	same := 0
	for counter := range uint32(counters) {
		number, err := k.MakeNumber(june, counter)
		must(t, err)
		middle := number / 10 % NumbersPerDay
		high[middle/(NumbersPerDay/bins)]++
		low[middle%bins]++
		step[(middle+NumbersPerDay-previous)%NumbersPerDay/(NumbersPerDay/bins)]++
		previous = middle
		same += btoi(middle == middleOf(t, other, june, counter)) + btoi(middle == middleOf(t, k, june.AddDate(0, 0, 1), counter))
	}
	for name, seen := range map[string][bins]float64{"first digits": high, "last digits": low, "steps": step} {
		chi := 0.0
		for _, n := range seen {
			chi += math.Pow(n-counters/bins, 2) / (counters / bins)
		}
		if chi > 180 { // 99 degrees of freedom: one in a million
			t.Errorf("%s: chi square %.0f", name, chi)
		}
	}
	if same > 3 {
		t.Errorf("%d of %d numbers do not depend on key and day", same, counters)
	}
}

func TestR25_EverySingleWrongDigitIsCaught(t *testing.T) {
	k := Generate()
	swaps, missed := 0, 0
	for counter := range uint32(500) {
		number, err := k.MakeNumber(june, counter)
		must(t, err)
		text := []byte(fmt.Sprintf("%015d", number))
		for place, digit := range text {
			for wrong := byte('0'); wrong <= '9'; wrong++ {
				text[place] = wrong
				if _, ok := CheckNumber(string(text)); ok != (wrong == digit) {
					t.Fatalf("%s with %c at %d: valid %v", text, wrong, place, ok)
				}
			}
			text[place] = digit
		}
		for place := range len(text) - 1 {
			if text[place] == text[place+1] {
				continue
			}
			swaps++
			text[place], text[place+1] = text[place+1], text[place]
			_, ok := CheckNumber(string(text))
			missed += btoi(ok)
			text[place], text[place+1] = text[place+1], text[place]
		}
	}
	if missed*40 > swaps {
		t.Errorf("%d of %d swapped neighbours pass; ISO/IEC 7064 MOD 11,10 lets about 2 %% pass", missed, swaps)
	}
	t.Logf("%d of %d swapped neighbours pass", missed, swaps)
}

func TestR25_TheCheckDigitIsThatOfTheStandard(t *testing.T) {
	if got := checkDigit([]byte("0794")); got != 5 {
		t.Errorf("check digit of 0794 is %d, the standard's example says 5", got)
	}
}

func TestR25_OnlyFifteenASCIIDigitsAreANumber(t *testing.T) {
	good := fmt.Sprintf("%015d", 0)
	for _, s := range []string{"", "1", good + "0", " " + good[1:], "+" + good[1:], "-" + good[1:], "٠" + good[2:], "00000000000000a"} {
		if _, ok := CheckNumber(s); ok {
			t.Errorf("%q is a number", s)
		}
	}
}

func middleOf(t *testing.T, k *Keys, day time.Time, counter uint32) uint64 {
	t.Helper()
	number, err := k.MakeNumber(day, counter)
	must(t, err)
	return number / 10 % NumbersPerDay
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
