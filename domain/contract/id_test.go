package contract

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestR1_WhatAnIDIs(t *testing.T) {
	for typed, want := range map[string]string{
		"0230242323":               "0230242323",
		"230242323":                "230242323",
		"023-024-2323":             "0230242323",
		"023 024 2323":             "0230242323",
		"0 - 2--3 0242323":         "0230242323",
		"000000":                   "000000",
		strings.Repeat("9", 20):    strings.Repeat("9", 20),
		"12345":                    "",
		strings.Repeat("9", 21):    "",
		"1-2-3-4-5":                "",
		"":                         "",
		" 0230242323":              "",
		"0230242323 ":              "",
		"-0230242323":              "",
		"0230242323-":              "",
		"0230242323\n":             "",
		"023\t0242323":             "",
		"023.024.2323":             "",
		"+230242323":               "",
		"02302e2323":               "",
		"0x30242323":               "",
		"٠٢٣٠٢٤٢٣٢٣":               "",
		"\uff10230242323":          "",
		"023\u00a0024\u20102323":   "",
		"0230242323\x00":           "",
		strings.Repeat("1 ", 1000): "",
	} {
		got, err := ParseID("access_id", typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is read as %q (%v), want %q", typed, got, err, want)
		}
		if err != nil {
			refuses(MalformedID+":access_id")(t, nil, err)
		}
		if err != nil && typed != "" && strings.Contains(err.Error(), typed) {
			t.Errorf("R3: the refusal repeats what was typed: %v", err)
		}
	}
}

func TestR25_NumbersAreWrittenWithEveryDigit(t *testing.T) {
	b, err := json.Marshal(Number(2603020000001))
	if err != nil || string(b) != `"002603020000001"` {
		t.Errorf("written as %s (%v)", b, err)
	}
	var n Number
	if err := json.Unmarshal([]byte(`"260302123456789"`), &n); err != nil || n != 260302123456789 {
		t.Errorf("read as %v (%v)", n, err)
	}
	for _, bad := range []string{`""`, `"-1"`, `"x"`, `"1.5"`, `12`} {
		if err := json.Unmarshal([]byte(bad), &n); err == nil {
			t.Errorf("%s is read as %v", bad, n)
		}
	}
}
