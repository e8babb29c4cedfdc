package sheet

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatASpreadsheetWouldRunIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		`=cmd|' /C calc'!A0`: `'=cmd|' /C calc'!A0`, "+62 21 555": "'+62 21 555", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)",
		"\tx": "'\tx", "\r=x": "'\r=x", "＝1": "'＝1", "'=x": "''=x", "-": "'-",
		"": "", "x=1": "x=1", "0230242323": "0230242323", "-6": "-6", "O'Neil": "O'Neil", "'tis": "'tis",
	} {
		if got := Escape(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestEveryTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`['=+\-@a1]{0,6}`)).Draw(t, "text")
		if got := Unescape(Escape(text)); got != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
		if cell := Escape(text); cell != text && !strings.HasPrefix(cell, "'") {
			t.Fatalf("%q is written %q", text, cell)
		}
	})
}
