package domain

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// Sealed carries texts of one person (R47) through commands and events. The
// domain hands it on and never looks inside: what is recorded is the Box, the
// JSON of T sealed under the person's key; Clear stands beside it only after
// the shell has opened it for somebody who may read.
type Sealed[T any] struct {
	Person uuid.UUID
	Box    []byte // names the key that opens it
	Clear  *T     // nil until opened, and for ever once the key is erased
	Erased bool   // set on opening where the key is gone
}

// Personal is what every Sealed does, whatever it holds: the shell opens events
// by it without knowing their types.
type Personal interface {
	// Sealing returns whose the texts are and the box they lie in; a nil box
	// where there is none.
	Sealing() (person uuid.UUID, box []byte)
	// Open takes the box's content, or nil where the key was erased.
	Open(clear []byte) error
}

// Sealing implements Personal.
func (s *Sealed[T]) Sealing() (uuid.UUID, []byte) { return s.Person, s.Box }

// Open implements Personal.
func (s *Sealed[T]) Open(clear []byte) error {
	if clear == nil {
		s.Clear, s.Erased = nil, true
		return nil
	}
	s.Clear, s.Erased = new(T), false
	if err := json.Unmarshal(clear, s.Clear); err != nil {
		return fmt.Errorf("read personal texts: %w", err)
	}
	return nil
}

// sealedJSON is the recorded form.
type sealedJSON struct {
	Person uuid.UUID `json:"person"`
	Box    []byte    `json:"box"`
}

// MarshalJSON writes the recorded form: whose it is, and the box. What was
// opened is never written; Shown does that on purpose.
func (s Sealed[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(sealedJSON{s.Person, s.Box})
}

// UnmarshalJSON reads the recorded form.
func (s *Sealed[T]) UnmarshalJSON(b []byte) error {
	var j sealedJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Sealed[T]{Person: j.Person, Box: j.Box}
	return nil
}

// ErasedText stands where a person's text was forgotten.
const ErasedText = "erased"
