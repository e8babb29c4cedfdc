package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page of commands is what --help prints.
func TestTheManualIsWhatHelpPrints(t *testing.T) {
	const begin, end = "<!-- help -->\n", "<!-- /help -->"
	path := filepath.Join("..", "..", "docs", "commands.md")
	body, err := os.ReadFile(path)
	must(t, err)
	before, rest, found := strings.Cut(string(body), begin)
	have, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the help", path)
	}
	want := helpOfAll(t)
	if have == want {
		return
	}
	if os.Getenv("SUPPORTLEDGER_GOLDEN") != "" {
		must(t, os.WriteFile(path, []byte(before+begin+want+end+after), 0o644))
		return
	}
	t.Errorf("docs/commands.md is not what --help prints; make golden writes it anew.\nIt has\n%s\n--help prints\n%s", have, want)
}

// helpOfAll is the help of every command.
func helpOfAll(t *testing.T) string {
	t.Helper()
	t.Setenv("COLUMNS", "80")
	var b strings.Builder
	for _, name := range []string{
		"serve", "health", "demo", "verify", "history", "statement", "import", "export", "backup", "restore", "copy", "projections list", "projections rebuild",
		"mails list", "mails show", "mails resend", "people move", "attachments move",
		"token create", "subscribers add", "subscribers remove", "subscribers list", "readers add", "readers remove", "readers list", "keys create", "keys rotate", "catalog check", "catalog show", "help", "version",
	} {
		out := succeed(t, append(strings.Fields(name), "--help")...)
		b.WriteString("\n### " + name + "\n\n```\n")
		for line := range strings.Lines(out) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		b.WriteString("```\n")
	}
	b.WriteString("\n")
	return b.String()
}

// Every metric that the manual tells to watch is there, on a log in the folder or
// in a cluster.
func TestTheManualNamesMetricsThatExist(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	must(t, err)
	told := ""
	for _, flags := range [][]string{nil, {"--store", newCluster(t).url()}} {
		s := serve(t, t.TempDir(), flags...)
		s.linked(1)
		s.post("customer-budi", "/v1/links", fields{"access_id": "0123456789", "contract_id": "0123456789", "portal": "mpn"}, nil, http.StatusUnprocessableEntity)
		told += s.metrics(t)
		must(t, s.stop())
	}
	names := regexp.MustCompile("`(supportledger_[a-z_]+)`").FindAllStringSubmatch(string(body), -1)
	if len(names) < 5 {
		t.Fatalf("the manual names %d metrics", len(names))
	}
	for _, name := range names {
		if !strings.Contains(told, name[1]) {
			t.Errorf("there is no metric %s", name[1])
		}
	}
}
