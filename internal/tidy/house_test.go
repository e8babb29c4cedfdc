package tidy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/lacking"
)

func TestHouse(t *testing.T) {
	files, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d Go files below %s: is that the house?", len(files), root)
	}
	for name, rule := range Rules {
		t.Run(name, func(t *testing.T) { report(t, Check(rule, files)) })
	}
}

func TestCommittedTextsNameNoMachine(t *testing.T) {
	for _, name := range committed(t) {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		report(t, Text(name, content))
	}
}

// What rapid writes down when a law fails is for the machine it failed on: its
// bits mean something else as soon as the generator changes. What it has found
// becomes a test that says what must hold.
func TestNothingIsCommittedThatAFailingTestLeaves(t *testing.T) {
	for _, name := range committed(t) {
		if strings.Contains("/"+name, "/testdata/rapid/") {
			t.Errorf("%s is what a failing test has left: make a test of it that says what must hold", name)
		}
	}
}

// Everything that the house stands on is fenced.
func TestEveryRequiredModuleHasItsPlace(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for number, line := range strings.Split(string(content), "\n") {
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.HasPrefix(fields[1], "v") || !thirdParty(fields[0]) {
			continue // indirect ones are not ours
		}
		if !isFenced(fields[0]) {
			t.Errorf("go.mod:%d: %s has no place yet: add it to the fences with the reason", number+1, fields[0])
		}
	}
}

func isFenced(module string) bool {
	for _, c := range fenced {
		if below(module, c.module) {
			return true
		}
	}
	return false
}

const root = "../.."

func committed(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		lacking.Here(t, "git and a clone to ask it about: "+err.Error())
	}
	return strings.Split(strings.Trim(string(out), "\x00"), "\x00")
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}
