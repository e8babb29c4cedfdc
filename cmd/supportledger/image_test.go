package main

import (
	"debug/elf"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// model is the program's commands and flags.
func model(t testing.TB) *kong.Application {
	t.Helper()
	parser, err := kong.New(new(cli), kong.Vars{"version": "test"})
	must(t, err)
	return parser.Model
}

// variables are the environment variables that a command reads, each with its flag.
func variables(t testing.TB, command string) map[string]*kong.Flag {
	t.Helper()
	all := map[string]*kong.Flag{}
	for _, node := range model(t).Children {
		if node.Name != command {
			continue
		}
		for _, flag := range node.Flags {
			for _, name := range flag.Envs {
				all[name] = flag
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s reads no variables", command)
	}
	return all
}

// inHouse reads a file of the repository.
func inHouse(t testing.TB, path ...string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	must(t, err)
	return string(body)
}

var (
	fromLine     = regexp.MustCompile(`(?m)^FROM (\S+)`)
	envLine      = regexp.MustCompile(`(?m)^ENV ([A-Z_]+)=(\S+)`)
	commandLines = regexp.MustCompile(`(?m)^(?:HEALTHCHECK .*)?(CMD|ENTRYPOINT) (\[.*\])$`)
)

// The image is made from a version that is named, runs as nobody's user, and asks
// of the program what it can do.
func TestTheImageFitsTheProgram(t *testing.T) {
	text := inHouse(t, "Dockerfile")
	for _, from := range fromLine.FindAllStringSubmatch(text, -1) {
		if from[1] != "scratch" && !regexp.MustCompile(`:\d+\.\d+\.\d+`).MatchString(from[1]) {
			t.Errorf("FROM %s names no version", from[1])
		}
	}
	if !strings.Contains(text, "\nUSER 65532:65532\n") {
		t.Error("it does not run as nobody's user")
	}
	reads := variables(t, "serve")
	set := envLine.FindAllStringSubmatch(text, -1)
	for _, env := range set {
		if reads[env[1]] == nil {
			t.Errorf("ENV %s: serve does not read it", env[1])
		}
	}
	if len(set) < 4 {
		t.Errorf("only %d variables are set", len(set))
	}
	var program []string
	for _, line := range commandLines.FindAllStringSubmatch(text, -1) {
		var words []string
		must(t, json.Unmarshal([]byte(line[2]), &words))
		if words[0] == "/usr/local/bin/supportledger" {
			program, words = words[:1], words[1:]
		}
		mustBeCommand(t, words)
	}
	if program == nil {
		t.Error("the program is not started")
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(inHouse(t, "go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+version+".") {
		t.Errorf("it is not built with Go %s", version)
	}
}

// mustBeCommand holds words against the commands that there are, without their
// required flags, which the environment may give.
func mustBeCommand(t *testing.T, words []string) {
	t.Helper()
	if len(words) == 0 {
		return
	}
	nodes := model(t).Children
	at := slices.IndexFunc(nodes, func(n *kong.Node) bool { return n.Name == words[0] })
	if at < 0 {
		t.Errorf("there is no command %s", words[0])
		return
	}
	for _, word := range words[1:] {
		name, ok := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(name, "=")
		if ok && !slices.ContainsFunc(nodes[at].Flags, func(f *kong.Flag) bool { return f.Name == name }) {
			t.Errorf("%s has no flag %s", words[0], word)
		}
	}
}

// Without C the program needs nothing of the system that it runs on.
func TestTheProgramIsStatic(t *testing.T) {
	path, err := binary()
	must(t, err)
	file, err := elf.Open(path)
	must(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	must(t, err)
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) || len(libraries) > 0 {
		t.Errorf("it needs %q", libraries)
	}
}
