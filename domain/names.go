package domain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Names is an aggregate's table of names: what each is read into. A name that was
// once released stays in it for ever.
type Names[E Event] map[string]func() E

// Knows says whether a name is one of the table.
func (n Names[E]) Knows(name string) bool { return n[name] != nil }

// List are the names, in alphabetical order.
func (n Names[E]) List() []string { return slices.Sorted(maps.Keys(n)) }

// Decode reads a recorded event.
func (n Names[E]) Decode(name string, data []byte) (E, error) {
	var none E
	construct := n[name]
	if construct == nil {
		return none, fmt.Errorf("no event here is called %q", name)
	}
	e := construct()
	if err := json.Unmarshal(data, e); err != nil {
		return none, fmt.Errorf("read %s: %w", name, err)
	}
	return e, nil
}

// Encode writes an event as it is recorded.
func Encode(e Event) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", e.Name(), err)
	}
	return data, nil
}
