package main

import (
	"strings"
	"testing"
)

// What people type first is answered.
func TestR44_HelpAndVersionAreCommands(t *testing.T) {
	all := succeed(t, "--help")
	for _, command := range []string{"serve", "history", "token", "help", "version"} {
		if !strings.Contains(all, "\n  "+command+" ") {
			t.Errorf("the help does not name %s:\n%s", command, all)
		}
	}
	for name, same := range map[string][2]string{
		"nothing at all":    {succeed(t), all},
		"help":              {succeed(t, "help"), all},
		"help of a command": {succeed(t, "help", "serve"), succeed(t, "serve", "--help")},
		"help of a part":    {succeed(t, "help", "keys", "create"), succeed(t, "keys", "create", "--help")},
		"version":           {succeed(t, "version"), succeed(t, "--version")},
	} {
		if same[0] != same[1] || strings.TrimSpace(same[0]) == "" {
			t.Errorf("%s prints\n%s\nand not\n%s", name, same[0], same[1])
		}
	}
	fail(t, exitUsage, []string{`there is no command "nonsense"`, "supportledger help"}, "help", "nonsense")
}
