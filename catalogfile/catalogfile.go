// Package catalogfile reads the one YAML file in which a vendor writes down its
// catalogue, and hands domain/catalog its values.
//
// A file is taken whole or not at all: what it refers to exists, nothing in it
// is left unread, and every mistake that can be told apart is reported in one
// go, each with its file, line, column and key. docs/catalog.md explains every
// key. Zones are looked up in the system's time zone database, so that a
// program embeds time/tzdata to be independent of it.
package catalogfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/supportledger/supportledger/domain/catalog"
)

// MaxBytes is the size of the longest file that is read.
const MaxBytes = 256 << 10

// Load reads the catalogue in a file. Its errors are those of Read, with the
// path as the file's name, and those of reading.
func Load(path string) (*catalog.Catalog, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return Read(path, data)
}

// Read reads and checks a catalogue; name is what mistakes call the file. The
// error of a file that was read but is wrong is Mistakes. The catalogue's
// Digest is the SHA-256 of data.
func Read(name string, data []byte) (*catalog.Catalog, error) {
	r := newReading(name)
	var f file
	if root := r.parse(data); root != nil {
		r.value("", root, reflect.ValueOf(&f).Elem())
	}
	c := r.catalogue(&f)
	if err := r.verdict(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	c.Digest = hex.EncodeToString(sum[:])
	return c, nil
}
