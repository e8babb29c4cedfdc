package catalogfile

import (
	"bufio"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestEveryKeyIsDocumentedAndEveryDocumentedKeyIsRead(t *testing.T) {
	accepted := map[string]string{}
	collectKeys(accepted, "", reflect.TypeFor[file]())
	documented := documentedKeys(t)
	for k, form := range accepted {
		if documented[k] != form {
			t.Errorf("%s is %q in the program and %q in docs/catalog.md", k, form, documented[k])
		}
		delete(documented, k)
	}
	for k := range documented {
		t.Errorf("docs/catalog.md explains %s, which is not read", k)
	}
}

// collectKeys notes the kind of each key of a form, and whether it is required.
func collectKeys(into map[string]string, k key, form reflect.Type) {
	for _, field := range fieldsOf(form) {
		name, optional := keyOf(field)
		here, required := k.of(name), " | yes"
		if optional {
			required = " | no"
		}
		into[string(here)] = kindName(field.Type) + required
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			here, inner = here+"[]", inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			collectKeys(into, here, inner)
		}
	}
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "number"
	case reflect.Struct:
		return "keys"
	}
	if t.Elem().Kind() == reflect.Struct {
		return "list"
	}
	return "list of " + kindName(t.Elem())
}

// documentedKeys reads the tables whose first cell is a key in backquotes.
func documentedKeys(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "docs", "catalog.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(lines.Text(), " | ")
		if name, ok := strings.CutPrefix(cells[0], "| `"); ok && len(cells) >= 4 {
			name = strings.TrimSuffix(name, "`")
			if _, twice := keys[name]; twice {
				t.Errorf("docs/catalog.md explains %s twice", name)
			}
			keys[name] = cells[1] + " | " + cells[2]
		}
	}
	return keys
}
