package transfer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// docs/import.md has a row for every field, and its example is a file.
func TestTheManualTellsEveryField(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "docs", "import.md"))
	must(t, err)
	text := string(body)
	for _, f := range fields {
		if !strings.Contains(text, "\n| `"+f.name+"`") && !strings.Contains(text, ", `"+f.name+"` |") {
			t.Errorf("docs/import.md does not tell %s", f.name)
		}
	}
	_, example, found := strings.Cut(text, "```\nrecord,")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("docs/import.md has no example")
	}
	if report := newRig(t).imports(CSV, "record,"+example); report.Contracts.New != 1 || report.Balances.New != 1 || report.Links.New != 1 {
		t.Errorf("the example is imported as %+v", report)
	}
}
