package mail

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestEveryVariableIsDocumentedAndEveryDocumentedOneIsThere(t *testing.T) {
	there := map[string]string{}
	collectVariables(t, there, "", reflect.TypeFor[page]())
	wantSame(t, "variables", there, documented(t, "| `."))
}

// collectVariables notes the form of each field that a template may name.
func collectVariables(t *testing.T, into map[string]string, path string, of reflect.Type) {
	forms := map[reflect.Type]string{
		reflect.TypeFor[uuid.UUID](): "UUID", reflect.TypeFor[catalog.Date](): "day", reflect.TypeFor[time.Time](): "moment",
		reflect.TypeFor[*time.Location](): "zone", reflect.TypeFor[bool](): "true or false", reflect.TypeFor[int](): "number", reflect.TypeFor[int64](): "number",
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name := path + "." + field.Name
		form, known := forms[field.Type]
		switch {
		case field.Anonymous:
			collectVariables(t, into, path, field.Type)
		case known:
			into[name] = form
		case field.Type.Kind() == reflect.String:
			into[name] = "text"
		case field.Type.Kind() == reflect.Struct:
			collectVariables(t, into, name, field.Type)
		default:
			t.Errorf("%s is a %s: say what form that is", name, field.Type)
		}
	}
}

// documented reads the tables of docs/mails.md: a row's first cell without what
// begins it, and its second cell.
func documented(t *testing.T, begins string) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "docs", "mails.md"))
	must(t, err)
	defer f.Close()
	rows := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(lines.Text(), " | ")
		if strings.HasPrefix(cells[0], begins) {
			name, _, _ := strings.Cut(strings.TrimPrefix(cells[0], "| `"), "`")
			rows[name] = cells[1]
		}
	}
	return rows
}

func wantSame(t *testing.T, what string, there, documented map[string]string) {
	t.Helper()
	if !maps.Equal(there, documented) {
		t.Errorf("the %s are\n%v\nand in docs/mails.md they are\n%v", what, there, documented)
	}
}

func TestEveryFunctionAndKindIsDocumented(t *testing.T) {
	var functions, kinds []string
	for call := range documented(t, "| `") {
		switch name, _, isCall := strings.Cut(call, " "); {
		case isCall:
			functions = append(functions, name)
		case !strings.HasPrefix(call, ".") && !strings.HasPrefix(call, "--"):
			kinds = append(kinds, call)
		}
	}
	slices.Sort(functions)
	if there := slices.Sorted(maps.Keys(languages[0].functions())); !slices.Equal(functions, there) {
		t.Errorf("docs/mails.md explains the functions %v; there are %v", functions, there)
	}
	there := make([]string, 0, len(Kinds()))
	for _, kind := range Kinds() {
		there = append(there, string(kind))
	}
	slices.Sort(kinds)
	if slices.Sort(there); !slices.Equal(kinds, there) {
		t.Errorf("docs/mails.md explains the kinds %v; there are %v", kinds, there)
	}
}

// Every flag that an error or a comment names is explained.
func TestEveryFlagIsDocumented(t *testing.T) {
	source, err := os.ReadFile("config.go")
	must(t, err)
	named := map[string]bool{}
	for _, flag := range regexp.MustCompile(`--(smtp|mail)[a-z-]*`).FindAllString(string(source), -1) {
		named[flag] = true
	}
	flags := documented(t, "| `--")
	for flag := range named {
		if _, ok := flags[flag]; !ok {
			t.Errorf("docs/mails.md does not explain %s", flag)
		}
	}
	if len(named) != len(flags) {
		t.Errorf("docs/mails.md explains %v; there are %v", flags, named)
	}
}
