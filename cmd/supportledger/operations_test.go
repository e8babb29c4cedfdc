package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The manual's last part is what --help prints.
func TestTheManualIsWhatHelpPrints(t *testing.T) {
	const begin, end = "<!-- help -->\n", "<!-- /help -->"
	path := filepath.Join("..", "..", "docs", "operations.md")
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
	t.Errorf("docs/operations.md is not what --help prints; make golden writes it anew.\nIt has\n%s\n--help prints\n%s", have, want)
}

// helpOfAll is the help of every command.
func helpOfAll(t *testing.T) string {
	t.Helper()
	t.Setenv("COLUMNS", "80")
	var b strings.Builder
	for _, name := range []string{
		"serve", "demo", "verify", "history", "backup", "restore", "projections list", "projections rebuild",
		"token create", "keys create", "keys rotate", "catalog check", "catalog show",
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
