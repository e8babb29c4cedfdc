package catalogfile

import (
	"embed"
	"fmt"
	"strings"

	"github.com/supportledger/supportledger/domain/catalog"
)

// DefaultName is the builtin catalogue that is used where no other is asked for.
const DefaultName = "microsoft-2015"

//go:embed data/*.yaml
var data embed.FS

// Builtin returns one of the catalogues that come with the program, DefaultName
// where name is empty. The error for an unknown name lists the known ones.
func Builtin(name string) (*catalog.Catalog, error) {
	if name == "" {
		name = DefaultName
	}
	text, err := BuiltinFile(name)
	if err != nil {
		return nil, err
	}
	return Read(name+".yaml", text)
}

// BuiltinFile returns a builtin catalogue as it was written: something to start
// one's own from.
func BuiltinFile(name string) ([]byte, error) {
	text, err := data.ReadFile("data/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no catalogue %q comes with the program; there are %s", name, strings.Join(BuiltinNames(), ", "))
	}
	return text, nil
}

// BuiltinNames lists the builtin catalogues in the order of the alphabet.
func BuiltinNames() []string {
	entries, err := data.ReadDir("data")
	if err != nil {
		panic("read embedded catalogues: " + err.Error()) // they are part of the binary
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	return names
}
