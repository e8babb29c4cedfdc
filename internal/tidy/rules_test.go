package tidy

import (
	"strings"
	"testing"
)

// fixture is a file that breaks a rule in the places that are named by want, each
// "line: part of the reason", or that breaks none.
type fixture struct {
	path   string
	source string
	want   []string
}

func (x fixture) check(t *testing.T, rule Rule) {
	t.Helper()
	f, err := Parse(x.path, []byte(x.source))
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, Check(rule, []*File{f}), x.want)
}

func wantFindings(t *testing.T, found []Finding, want []string) {
	t.Helper()
	for i, f := range found {
		if i >= len(want) {
			t.Errorf("found besides: %v", f)
			continue
		}
		line, reason, _ := strings.Cut(want[i], ": ")
		if !strings.Contains(f.String(), ":"+line+": ") || !strings.Contains(f.Reason, reason) {
			t.Errorf("found %v, want %s", f, want[i])
		}
	}
	for i := len(found); i < len(want); i++ {
		t.Errorf("not found: %s", want[i])
	}
}

func importing(packages ...string) string {
	source := "package p\n"
	for _, name := range packages {
		source += "import _ \"" + strings.Replace(name, "~", Module, 1) + "\"\n"
	}
	return source
}

func TestImportsGoInwardsOnly(t *testing.T) {
	for name, x := range map[string]fixture{
		"domain in the domain":      {"domain/contract/x.go", importing("~/domain", "~/domain/catalog", "time"), nil},
		"domain to the store":       {"domain/x.go", importing("~/eventstore"), []string{"2: what the business means"}},
		"store to the domain":       {"eventstore/x.go", importing("~/domain"), []string{"2: do not know what they mean"}},
		"vault to the domain":       {"vault/x.go", importing("~/domain"), []string{"2: does not know what they mean"}},
		"ledger inwards":            {"ledger/x.go", importing("~/domain", "~/eventstore/pebblestore", "~/vault"), nil},
		"ledger to its readers":     {"ledger/x.go", importing("~/vault", "~/projections"), []string{"3: knows nobody who asks it"}},
		"a test of the ledger, too": {"ledger/x_test.go", importing("~/api"), []string{"2: knows nobody who asks it"}},
		"readers beside each other": {"projections/x.go", importing("~/ledger", "~/audit"), []string{"3: do not know who reads them"}},
		"api to its readers":        {"api/token/x.go", importing("~/audit", "~/projections", "~/api"), nil},
		"api to the portal":         {"api/x.go", importing("~/portal"), []string{"2: HTTP stands on"}},
		"nobody to a program":       {"api/x.go", importing("~/cmd/supportledger"), []string{"2: HTTP stands on", "2: nothing stands on it"}},
		"bench within itself":       {"bench/x.go", importing("~/bench/load", "~/ledger"), nil},
		"an example on its own":     {"examples/x/x.go", importing("~/examples/x/y", "context"), nil},
		"an example to the house":   {"examples/x/x.go", importing("~/ledger"), []string{"2: who has nothing of the house"}},
		"nobody to an example":      {"notifications/x.go", importing("~/examples/x/y"), []string{"2: nothing stands on it", "2: do not know other readers"}},
		"but tests":                 {"notifications/x_test.go", importing("~/examples/x/y"), nil},
		"cmd to everything":         {"cmd/supportledger/x.go", importing("~/api", "~/vault", "~/audit"), nil},
		"a folder of like name":     {"ledger/x.go", importing("~/domainish"), []string{"2: knows nobody"}},
	} {
		t.Run(name, func(t *testing.T) { x.check(t, each(layers)) })
	}
}

func TestTheDomainIsPure(t *testing.T) {
	for name, x := range map[string]fixture{
		"pure packages":        {"domain/x.go", importing("encoding/json", "time", "sort", "github.com/google/uuid"), nil},
		"reading and waiting":  {"domain/x.go", importing("context", "io", "io/fs"), []string{"2: nothing in it waits", "3: it reads", "4: it reads"}},
		"randomness":           {"domain/x.go", importing("math", "math/rand/v2", "crypto/rand"), []string{"3: randomness", "4: randomness"}},
		"the machine":          {"domain/a/x.go", importing("os", "net/http", "log/slog"), []string{"2: the machine", "3: speaks to nobody", "4: errors"}},
		"a third party":        {"domain/x.go", importing("github.com/goccy/go-yaml"), []string{"2: google/uuid alone"}},
		"tests have laws":      {"domain/x_test.go", importing("pgregory.net/rapid", "os"), nil},
		"other layers":         {"ledger/x.go", importing("context", "os"), nil},
		"the clock":            {"domain/x.go", "package p\nimport \"time\"\nvar at = time.Now()\nvar d = time.Second\n", []string{"3: time arrives"}},
		"the clock, as value":  {"domain/x.go", "package p\nimport \"time\"\nvar now = time.Now\n", []string{"3: time arrives"}},
		"an id out of the air": {"domain/x.go", "package p\nimport \"github.com/google/uuid\"\nvar id = uuid.New()\n", []string{"3: ids arrive"}},
		"printing":             {"domain/x.go", "package p\nimport \"fmt\"\nfunc f() { fmt.Println(fmt.Sprint(1)) }\n", []string{"3: writes nothing"}},
	} {
		t.Run(name, func(t *testing.T) { x.check(t, each(purity)) })
	}
}

func TestEachDriverIsFenced(t *testing.T) {
	for name, x := range map[string]fixture{
		"pebble at home":         {"eventstore/pebblestore/x.go", importing("github.com/cockroachdb/pebble/v2/vfs"), nil},
		"pebble elsewhere":       {"ledger/x.go", importing("github.com/cockroachdb/pebble/v2"), []string{"2: eventstore/pebblestore"}},
		"a namesake of pebble":   {"ledger/x.go", importing("github.com/cockroachdb/pebbles"), []string{"2: no place yet"}},
		"HTTP below the border":  {"projections/x.go", importing("github.com/gorilla/mux"), []string{"2: border"}},
		"SQL in audit":           {"audit/x.go", importing("modernc.org/sqlite"), []string{"2: read models alone"}},
		"NATS in cmd":            {"cmd/supportledger/x.go", importing("github.com/nats-io/nats-server/v2/server"), nil},
		"NATS in projections":    {"projections/x.go", importing("github.com/nats-io/nats.go"), []string{"2: never the truth"}},
		"metrics in metrics.go":  {"api/metrics.go", importing("github.com/prometheus/client_golang/prometheus/promhttp"), nil},
		"metrics in their test":  {"api/metrics_test.go", importing("github.com/prometheus/client_golang/prometheus/testutil"), nil},
		"metrics in between":     {"api/server.go", importing("github.com/prometheus/client_golang/prometheus"), []string{"2: files named metrics.go"}},
		"EventStoreDB elsewhere": {"audit/x.go", importing("github.com/EventStore/EventStore-Client-Go/v4/esdb"), []string{"2: eventstore/esdb"}},
		"laws in a test":         {"ledger/x_test.go", importing("pgregory.net/rapid"), nil},
		"laws in the suite":      {"eventstore/storetest/x.go", importing("github.com/anishathalye/porcupine"), nil},
		"laws in the product":    {"ledger/x.go", importing("pgregory.net/rapid"), []string{"2: in tests"}},
		"something new":          {"api/x.go", importing("example.org/leftpad"), []string{"2: no place yet"}},
		"the standard library":   {"api/x.go", importing("net/http", "~/ledger"), nil},
	} {
		t.Run(name, func(t *testing.T) { x.check(t, each(fences)) })
	}
}

func TestFunctionsFitAScreen(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("\tf()\n", n) }
	rows := func(n int) string { return "\tg([]int{\n" + strings.Repeat("\t\t1,\n", n) + "\t})\n" }
	for name, x := range map[string]fixture{
		"just fits":          {"x.go", "package p\nfunc f() {\n" + lines(58) + "}\n", nil},
		"one too many":       {"x.go", "package p\nfunc f() {\n" + lines(59) + "}\n", []string{"2: f has 61 lines"}},
		"but a table":        {"x_test.go", "package p\nfunc f() {\n" + lines(50) + rows(300) + "}\n", nil},
		"but only one table": {"x_test.go", "package p\nfunc f() {\n" + rows(100) + rows(80) + "}\n", []string{"2: f has 84 lines"}},
		"without a name":     {"x.go", "package p\nvar f = func() {\n" + lines(59) + "}\n", []string{"2: a function literal"}},
	} {
		t.Run(name, func(t *testing.T) { x.check(t, each(longFunctions)) })
	}
}

func TestFilesCanBeReadAtOnce(t *testing.T) {
	fixture{"x.go", "package p" + strings.Repeat("\n", 400), nil}.check(t, each(longFiles))
	fixture{"x.go", "package p" + strings.Repeat("\n", 401), []string{"401: more than one thought"}}.check(t, each(longFiles))
}

func TestNoInit(t *testing.T) {
	fixture{"x.go", "package p\nfunc init() {}\ntype t int\nfunc (t) init() {}\n", []string{"2: wire it"}}.check(t, each(inits))
}

func TestNoGlobalMutableState(t *testing.T) {
	for name, source := range map[string]struct {
		body string
		want []string
	}{
		"errors, patterns, tables": {"var e = errors.New(``)\nvar r = regexp.MustCompile(``)\nvar t = map[string]int{`a`: 1}\nvar l = []int{1}", nil},
		"an interface kept":        {"var _ People = (*File)(nil)", nil},
		"an embedded file":         {"//go:embed x.sql\nvar schema string", nil},
		"a pool":                   {"var p = sync.Pool{New: f}", nil},
		"empty":                    {"var n int\nvar m sync.Mutex", []string{"2: begins empty", "3: begins empty"}},
		"a lock":                   {"var m = sync.Mutex{}", []string{"2: is a sync.Mutex"}},
		"a pointer":                {"var d = &driver{}", []string{"2: points to"}},
		"made":                     {"var c = make(chan int)", []string{"2: is made empty"}},
		"a number":                 {"var n = 3", []string{"2: make it a constant"}},
		"assigned":                 {"var t = table()\nfunc f() { t = nil }", []string{"3: f changes the package variable t"}},
		"written to":               {"var t = map[int]int{}\nfunc f() { t[1] = 2 }", []string{"3: f changes"}},
		"a field of it":            {"var t = config{1}\nfunc f() { t.n++ }", []string{"3: f changes"}},
		"deleted from":             {"var t = map[int]int{1: 2}\nfunc f() { delete(t, 1) }", []string{"3: f changes"}},
		"a local namesake":         {"var t = map[int]int{1: 2}\nfunc f(t []int) { t[1] = 2 }\nfunc g() { t := 1; t = 2; _ = t }", nil},
		"read only":                {"var t = map[int]int{1: 2}\nfunc f() { x := t[1]; x = 2; _ = x }", nil},
	} {
		t.Run(name, func(t *testing.T) {
			fixture{"a/x.go", "package p\n" + source.body + "\n", source.want}.check(t, globals)
		})
	}
}

func TestAGlobalIsFoundAcrossFilesOfAPackageOnly(t *testing.T) {
	parse := func(path, source string) *File {
		f, err := Parse(path, []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	files := []*File{
		parse("a/x.go", "package a\nvar t = map[int]int{1: 2}\n"),
		parse("a/y.go", "package a\nfunc f() { t[1] = 2 }\n"),
		parse("b/y.go", "package b\nfunc f() { t[1] = 2 }\n"),
	}
	wantFindings(t, Check(globals, files), []string{"2: f changes"})
}

func TestTestsDoNotSleep(t *testing.T) {
	source := "package p\nfunc f() {\n\ttime.Sleep(1)\n}\n"
	fixture{"x_test.go", source, []string{"3: wait for"}}.check(t, each(sleeps))
	fixture{"x.go", source, nil}.check(t, each(sleeps))
}

func TestAPanicSaysWhy(t *testing.T) {
	source := "package p\nfunc f() {\n\tpanic(1) // why\n\t// why\n\tpanic(2)\n\n\tpanic(3)\n}\n"
	fixture{"x.go", source, []string{"7: says why"}}.check(t, each(panics))
}

func TestASkipFailsInCI(t *testing.T) {
	bare := "package p\nfunc f(t T) {\n\tt.Skipf(``)\n}\n"
	helper := "package p\nfunc f(t T) {\n\tif os.Getenv(\"CI\") == `true` {\n\t\tt.Fatal()\n\t}\n\tt.Skip()\n}\n"
	fixture{"x_test.go", bare, []string{"3: fails where CI=true"}}.check(t, each(skips))
	fixture{"x_test.go", helper, nil}.check(t, each(skips))
	fixture{"x_test.go", strings.Replace(helper, "Fatal", "Log", 1), []string{"6: fails where CI=true"}}.check(t, each(skips))
}

func TestNothingIsLeftToDo(t *testing.T) {
	for _, word := range unfinished {
		source := "package p\n// f is. " + word + ": more\nfunc f() {\n\t// " + word + "S are " + word + "x\n}\n"
		fixture{"x.go", source, []string{"2: " + word}}.check(t, each(leftovers))
	}
}

func TestPackagesSayWhatTheyPromise(t *testing.T) {
	fixture{"a/x.go", "package p\n", []string{"1: say what it promises"}}.check(t, packageDocs)
	fixture{"a/x.go", "// Package p keeps.\npackage p\n", nil}.check(t, packageDocs)
	fixture{"a/x_test.go", "package p\n", nil}.check(t, packageDocs)
}

func TestExportedNamesSayWhatTheyDo(t *testing.T) {
	for name, x := range map[string]fixture{
		"a function": {"x.go", "package p\nfunc F() {}\nfunc f() {}\n", []string{"2: F is exported"}},
		"a method":   {"x.go", "package p\nfunc (T) M() {}\nfunc (*T[A]) N() {}\nfunc (t) M() {}\nfunc (*t) N() {}\n", []string{"2: M", "3: N"}},
		"a type":     {"x.go", "package p\ntype T int\ntype (\n\tU int\n\t// V is.\n\tV int\n)\n", []string{"2: T", "4: U"}},
		"values":     {"x.go", "package p\nconst C = 1\nvar (\n\tA = 1\n\tB = 2 // is\n)\n// Group.\nconst (\n\tX = 1\n)\n", []string{"2: C", "4: A"}},
		"customary":  {"x.go", "package p\nfunc (T) String() string { return `` }\nfunc String() {}\n", []string{"3: String"}},
		"a program":  {"x.go", "package main\nfunc F() {}\n", nil},
		"a test":     {"x_test.go", "package p\nfunc TestF() {}\n", nil},
	} {
		t.Run(name, func(t *testing.T) { x.check(t, each(exportedDocs)) })
	}
}

func TestTextsNameNoMachine(t *testing.T) {
	for _, trace := range machines {
		wantFindings(t, Text("README.md", []byte("one\ncd "+trace+"x\n")), []string{"2: somebody's machine"})
		wantFindings(t, Text("picture.png", []byte("\x00\n"+trace)), nil)
	}
	wantFindings(t, Text("README.md", []byte("cd /tmp/work\n")), nil)
}
