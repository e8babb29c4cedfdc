// Package person holds the facts about people themselves: that one was
// forgotten (R47).
package person

import "github.com/google/uuid"

// Erased says that the keys of a person's texts were destroyed. Whoever finds
// one of them still there destroys it again.
type Erased struct {
	Person uuid.UUID `json:"person"`
	Keys   []string  `json:"keys"`
	Reason string    `json:"reason,omitempty"`
}

// Name implements domain.Event.
func (*Erased) Name() string { return "person.erased.v1" }
