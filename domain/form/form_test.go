package form

import "testing"

func TestForms(t *testing.T) {
	for name, x := range map[string]struct {
		is       func(string) bool
		yes, not []string
	}{
		"a line":         {IsLine, []string{"", "Ani", "é\u2028"}, []string{"a\nb", "a\x00", "\x7f", "a\tb"}},
		"an address":     {IsAddress, []string{"a@b", "ani.w@example.com"}, []string{"", "a", "@b", "a@", "a@@b", "a b@c", "<a@b>", "a@b,c@d", "a@b\n"}},
		"a language tag": {IsTag, []string{"en", "id", "pt-BR", "zh-Hant-TW"}, []string{"", "e", "en-", "12", "en_GB", "toolonganame"}},
	} {
		for _, text := range x.yes {
			if !x.is(text) {
				t.Errorf("%q is %s", text, name)
			}
		}
		for _, text := range x.not {
			if x.is(text) {
				t.Errorf("%q is not %s", text, name)
			}
		}
	}
}
