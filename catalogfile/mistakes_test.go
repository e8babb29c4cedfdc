package catalogfile_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/catalogfile"
)

var writeGolden = flag.Bool("golden", false, "write down what is reported now; read the difference before keeping it")

// testdata/mistakes.yaml makes every kind of mistake that Read knows;
// testdata/mistakes.txt is what must be said about it.
func TestEveryMistakeIsReportedWhereItStands(t *testing.T) {
	yaml, golden := filepath.Join("testdata", "mistakes.yaml"), filepath.Join("testdata", "mistakes.txt")
	_, err := catalogfile.Load(yaml)
	var got catalogfile.Mistakes
	if !errors.As(err, &got) {
		t.Fatalf("loaded with %v", err)
	}
	if *writeGolden {
		if err := os.WriteFile(golden, []byte(got.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := lines(t, golden)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].Error() != want[i] {
			t.Fatalf("from line %d on:\n got %q\nwant %q", i+1, got[min(i, len(got)):], want[min(i, len(want)):])
		}
	}
	checkPlaces(t, lines(t, yaml), got)
}

var quoted = regexp.MustCompile(`"[^"]+"`)

// checkPlaces holds the golden file itself against the text: what a mistake
// quotes first stands where it says, or the key that it names does.
func checkPlaces(t *testing.T, text []string, got catalogfile.Mistakes) {
	t.Helper()
	for _, m := range got {
		there := strings.TrimLeft(text[m.Line-1][m.Column-1:], `"`)
		said := strings.Trim(quoted.FindString(m.Problem), `"`)
		name := m.Key[strings.LastIndex(m.Key, ".")+1:]
		missing := strings.HasPrefix(m.Problem, "is missing") || strings.HasPrefix(m.Problem, "is needed") || strings.HasPrefix(m.Problem, "is empty")
		block := strings.HasPrefix(there, "|")
		if !missing && !block && !strings.HasPrefix(there, said) && !strings.HasPrefix(there, name) {
			t.Errorf("%s\nthere stands %s", m.Error(), there)
		}
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

func TestWhatIsNoCatalogueAtAllIsReportedOnce(t *testing.T) {
	for title, c := range map[string]struct{ text, want string }{
		"nothing":           {"", "x.yaml:1:1: must hold one YAML document"},
		"a comment":         {"# nothing", "x.yaml:1:1: must hold one YAML document"},
		"two documents":     {"vendor: a\n---\nvendor: b\n", "x.yaml:1:1: must hold one YAML document"},
		"a list":            {"- vendor\n", "x.yaml:1:1: is a list; it must be keys with values: vendor, agreement, "},
		"a text":            {"vendor", `x.yaml:1:1: is the text "vendor"; it must be keys`},
		"no YAML":           {"vendor: a\nportals: [oas\n", "x.yaml:2:10: cannot be read as YAML: "},
		"a tab":             {"vendor: a\nportals:\n\t- id: a\n", "x.yaml:3:1: cannot be read as YAML: "},
		"too many brackets": {strings.Repeat("[", 100_000), "x.yaml:1:1: cannot be read as YAML: more than 30000 keys"},
		"too long":          {strings.Repeat("# filling\n", 120_000), "x.yaml:1:1: is longer than 262144 bytes"},
	} {
		_, err := catalogfile.Read("x.yaml", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant %s", title, err, c.want)
		}
	}
}

func TestWhatFollowsFromAMistakeIsNotReported(t *testing.T) {
	for title, c := range map[string]struct{ change, into, want string }{
		"no families": {"families:\n  - {id: server", "families: []\nfamily:\n  - {id: server",
			"families: is empty; it needs at least one\nfamily: no such key"},
		"a calendar that is no list": {"calendars:\n", "calendars: none\ncalendar:\n",
			`calendars: is the text "none"; it must be a list` + "\ncalendar: no such key"},
		"no agreement": {"agreement:\n", "agreements:\n", "agreement: is missing\nagreements: no such key"},
	} {
		text, err := catalogfile.BuiltinFile("nusantara-2026")
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), c.change, c.into, 1)
		_, err = catalogfile.Read("x.yaml", []byte(changed))
		var got catalogfile.Mistakes
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", title, err)
		}
		want := strings.Split(c.want, "\n")
		if len(got) != len(want) {
			t.Errorf("%s: %d mistakes, want %d", title, len(got), len(want))
		}
		for i, m := range got {
			if i >= len(want) || !strings.HasPrefix(m.Key+": "+m.Problem, want[i]) {
				t.Errorf("%s: %s", title, m.Error())
			}
		}
	}
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := catalogfile.Load(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if _, err := catalogfile.Builtin("acme-1999"); err == nil || !strings.Contains(err.Error(), "microsoft-2015, nusantara-2026") {
		t.Errorf("got %v", err)
	}
	if _, err := catalogfile.Builtin("../microsoft-2015"); err == nil {
		t.Error("a path was taken for a name")
	}
}
