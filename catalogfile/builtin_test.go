package catalogfile_test

import (
	"testing"
	_ "time/tzdata"

	"github.com/supportledger/supportledger/catalogfile"
)

func TestBuiltinCataloguesAreClean(t *testing.T) {
	names := catalogfile.BuiltinNames()
	if len(names) < 2 {
		t.Fatalf("only %v come with the program", names)
	}
	for _, name := range names {
		if _, err := catalogfile.Builtin(name); err != nil {
			t.Errorf("%s:\n%v", name, err)
		}
	}
}
