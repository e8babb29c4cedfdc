// Package userfile keeps those who may connect in a file, whatever each of them
// may do: JSON that is written all at once and read strictly.
package userfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/supportledger/supportledger/internal/durably"
)

const maxNameBytes = 32

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// ValidName says what is wrong with what a user is called; nil where it is a name.
func ValidName(s string) error {
	if len(s) > maxNameBytes || !userName.MatchString(s) {
		return fmt.Errorf("name %q: want 1 to %d lower-case letters, digits and hyphens", s, maxNameBytes)
	}
	return nil
}

// Decode reads the content of a file, which has nothing else in it.
func Decode(body []byte, users any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(users); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after the end")
	}
	return nil
}

// Write replaces a file all at once by one that its owner alone may read.
func Write(path string, users any) error {
	body, err := json.MarshalIndent(users, "", "  ")
	if err != nil {
		return err
	}
	return durably.Replace(path, append(body, '\n'))
}
