package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A step of the tour: a block to paste, and what it prints.
type step struct{ paste, prints string }

var blocks = regexp.MustCompile("(?s)```(sh|text)\n(.*?)```\n")

// tour reads the README's blocks in their order.
func tour(t *testing.T) (steps []step) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	must(t, err)
	for _, block := range blocks.FindAllStringSubmatch(string(body), -1) {
		if kind, text := block[1], block[2]; kind == "sh" {
			steps = append(steps, step{paste: text})
		} else {
			steps[len(steps)-1].prints = text
		}
	}
	return steps
}

// The README's tour does what it says, word for word, pasted into one shell.
func TestTheTourOfTheREADME(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		needs(t, tool)
	}
	path, err := binary()
	must(t, err)
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	must(t, os.Symlink(path, filepath.Join(dir, "bin", "supportledger")))
	must(t, os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))))
	for _, name := range []string{"go.mod", "go.sum"} {
		body, err := os.ReadFile(filepath.Join("..", "..", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), body, 0o600))
	}
	s := launch(t, filepath.Join(dir, "data"), "--nats-listen", "127.0.0.1:0")
	steps := tour(t)
	if len(steps) < 10 {
		t.Fatalf("the tour has %d steps", len(steps))
	}
	const mark = "=== end of step ==="
	script := "set -euo pipefail\n"
	for _, step := range steps {
		script += step.paste + fmt.Sprintf("echo %q\n", mark)
	}
	shell := exec.Command("bash", "-c", script)
	shell.Dir, shell.Env = dir, append(os.Environ(), "URL="+s.base, "CGO_ENABLED=0", "GOFLAGS=-trimpath "+os.Getenv("GOFLAGS"))
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour broke off: %v\n%s\n%s", err, out, s.log)
	}
	printed := strings.Split(string(out), mark+"\n")
	for i, step := range steps {
		if printed[i] != step.prints {
			t.Errorf("%s\nprints\n%s\nand the README says\n%s", step.paste, printed[i], step.prints)
		}
	}
}
