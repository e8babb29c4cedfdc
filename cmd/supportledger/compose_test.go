package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// composeFile is what is looked at in docker-compose.yml.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes map[string]any `yaml:"volumes"`
}

type composeService struct {
	Image       string            `yaml:"image"`
	Environment map[string]string `yaml:"environment"`
	EnvFile     string            `yaml:"env_file"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	Ports   []string `yaml:"ports"`
	Volumes []string `yaml:"volumes"`
	Secrets []string `yaml:"secrets"`
	Restart string   `yaml:"restart"`
}

func compose(t testing.TB) (c composeFile) {
	t.Helper()
	must(t, yaml.Unmarshal([]byte(inHouse(t, "docker-compose.yml")), &c))
	return c
}

// otelVariables are those that the SDK reads by itself, as far as files here name them.
var otelVariables = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_RESOURCE_ATTRIBUTES"}

// mustBeRead holds a variable that somebody sets for serve against those it reads.
func mustBeRead(t testing.TB, reads map[string]*kong.Flag, where, name string) {
	t.Helper()
	if reads[name] == nil && !slices.Contains(otelVariables, name) {
		t.Errorf("%s sets %s, which serve does not read", where, name)
	}
}

// Every setting of the two nodes is one that the program has, with a value that it
// takes.
func TestComposeSetsWhatThereIs(t *testing.T) {
	reads := variables(t, "serve")
	prepared := regexp.MustCompile(`(?m)^(SUPPORTLEDGER_[A-Z_]+)=`).FindAllStringSubmatch(inHouse(t, "deploy", "compose", "prepare"), -1)
	if len(prepared) < 4 {
		t.Fatalf("prepare writes %d variables", len(prepared))
	}
	for _, line := range prepared {
		mustBeRead(t, reads, "prepare", line[1])
	}
	nodes := 0
	for name, service := range compose(t).Services {
		if !strings.HasPrefix(service.Image, "supportledger") {
			continue
		}
		nodes++
		for variable := range service.Environment {
			mustBeRead(t, reads, name, variable)
		}
		mustBeCommand(t, service.Healthcheck.Test[2:])
		mustTake(t, service.Environment)
	}
	if nodes != 2 {
		t.Errorf("%d nodes, want 2", nodes)
	}
}

// mustTake parses serve's flags as the image and a service set them.
func mustTake(t *testing.T, environment map[string]string) {
	t.Helper()
	for _, env := range envLine.FindAllStringSubmatch(inHouse(t, "Dockerfile"), -1) {
		t.Setenv(env[1], env[2])
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	parser, err := kong.New(new(cli), kong.Vars{"version": "test"})
	must(t, err)
	if _, err := parser.Parse([]string{"serve"}); err != nil {
		t.Errorf("serve does not take what is set: %v", err)
	}
}

// What runs is named by its version, is asked how it is, comes back by itself, and
// cannot be reached from other machines; what it reads is in the repository or is
// made by prepare.
func TestComposeIsWhole(t *testing.T) {
	c := compose(t)
	for name, s := range c.Services {
		if s.Image != "supportledger:local" && !regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?(-|$)`).MatchString(s.Image) {
			t.Errorf("%s: image %q names no version", name, s.Image)
		}
		if len(s.Healthcheck.Test) < 2 || s.Restart == "" {
			t.Errorf("%s: is not asked how it is, or does not come back", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s can be reached from other machines", name, port)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File != "deploy/compose/secrets/"+secret {
				t.Errorf("%s: secret %s lies in %q", name, secret, c.Secrets[secret].File)
			}
		}
		for _, volume := range s.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, named := c.Volumes[from]; named || strings.HasPrefix(from, "./deploy/compose/data/") || strings.HasPrefix(from, "./deploy/compose/secrets/") {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", "..", from)); err != nil || !strings.HasSuffix(volume, ":ro") {
				t.Errorf("%s: volume %s is not there, or not read-only", name, volume)
			}
		}
	}
	if len(c.Services) < 11 {
		t.Errorf("only %d services", len(c.Services))
	}
}

// prepared is a copy of what compose needs in a folder of its own, prepared twice.
func prepared(t *testing.T) (dir string) {
	t.Helper()
	needs(t, "openssl")
	program, err := binary()
	must(t, err)
	dir = t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "deploy"), os.DirFS(filepath.Join("..", "..", "deploy"))))
	must(t, os.WriteFile(filepath.Join(dir, "docker-compose.yml"), []byte(inHouse(t, "docker-compose.yml")), 0o644))
	var first string
	for range 2 {
		cmd := exec.Command(filepath.Join(dir, "deploy", "compose", "prepare"))
		cmd.Env = append(os.Environ(), "SUPPORTLEDGER="+program)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("prepare: %v\n%s", err, out)
		}
		if made := digest(t, dir); first == "" {
			first = made
		} else if made != first {
			t.Error("preparing twice changes what was prepared")
		}
	}
	return dir
}

// digest is of the names and contents of all files.
func digest(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d %s\n", path, len(body), body)
		return err
	}))
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// docker compose finds nothing wrong once make compose has run, and says what to
// run where it has not.
func TestComposeConfigIsClean(t *testing.T) {
	dir := prepared(t)
	out, err := composeConfig(t, dir)
	if err != nil || len(out) > 0 {
		t.Errorf("config: %v\n%s", err, out)
	}
	must(t, os.Remove(filepath.Join(dir, ".env")))
	if out, err := composeConfig(t, dir); err == nil || !strings.Contains(string(out), "run make compose first") {
		t.Errorf("without .env: %v\n%s", err, out)
	}
}

// composeConfig runs docker compose config, as Docker's plugin or as the program
// that Debian has.
func composeConfig(t *testing.T, dir string) ([]byte, error) {
	t.Helper()
	command := []string{"docker-compose"}
	if exec.Command("docker", "compose", "version").Run() == nil {
		command = []string{"docker", "compose"}
	}
	needs(t, command[0])
	cmd := exec.Command(command[0], append(command[1:], "config", "--quiet")...)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

// What prepare makes is for nobody else: its folder is closed, and the keys are
// their user's alone.
func TestComposeSecretsAreKept(t *testing.T) {
	dir := filepath.Join(prepared(t), "deploy", "compose")
	for path, want := range map[string]fs.FileMode{"secrets": 0o700, "data": 0o700, "secrets/keys.json": 0o600, "secrets/ca.key": 0o600, "data/ledger-1/token-key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		must(t, err)
		if mode := info.Mode().Perm(); mode != want {
			t.Errorf("%s has mode %o, want %o", path, mode, want)
		}
	}
	ignored := inHouse(t, ".gitignore")
	for _, path := range []string{"/.env", "/deploy/compose/secrets/", "/deploy/compose/data/"} {
		if !strings.Contains(ignored, "\n"+path+"\n") {
			t.Errorf("%s could be committed", path)
		}
	}
}
