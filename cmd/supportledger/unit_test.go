package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// systemd takes the unit, and lets it do little: an exposure of 10 would be
// everything.
func TestTheUnitIsTakenAndHardened(t *testing.T) {
	needs(t, "systemd-analyze")
	program, err := binary()
	must(t, err)
	unit := inHouse(t, "deploy", "systemd", "supportledger.service")
	for from, to := range map[string]string{
		"ExecStart=/usr/local/bin/supportledger":       "ExecStart=" + program,
		"EnvironmentFile=/etc/supportledger/serve.env": "EnvironmentFile=" + filepath.Join(t.TempDir(), "serve.env"),
	} {
		if !strings.Contains(unit, from) {
			t.Fatalf("the unit does not say %s", from)
		}
		unit = strings.Replace(unit, from, to, 1)
	}
	path := filepath.Join(t.TempDir(), "supportledger.service")
	must(t, os.WriteFile(path, []byte(unit), 0o644))
	for _, args := range [][]string{{"verify", path}, {"security", "--offline=yes", "--threshold=15", path}} {
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// The unit starts a command that there is, and its settings, also those that are
// only shown, are the program's.
func TestTheUnitSetsWhatThereIs(t *testing.T) {
	unit := inHouse(t, "deploy", "systemd", "supportledger.service")
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/supportledger (.*)$`).FindStringSubmatch(unit)
	if start == nil {
		t.Fatal("the unit does not start the program")
	}
	mustBeCommand(t, strings.Fields(start[1]))
	reads := variables(t, "serve")
	set := regexp.MustCompile(`(?m)^#?([A-Z_]+)=(.*)$`).FindAllStringSubmatch(inHouse(t, "deploy", "systemd", "serve.env"), -1)
	if len(set) < 8 {
		t.Fatalf("serve.env sets only %d variables", len(set))
	}
	for _, variable := range set {
		mustBeRead(t, reads, "serve.env", variable[1])
	}
}
