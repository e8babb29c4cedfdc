package catalogfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing that is wrong in a file, and where.
type Mistake struct {
	File         string
	Line, Column int    // from 1; those of the surrounding key where a key is missing
	Key          string // "programmes[3].covers[0]"; empty for the file as a whole
	Problem      string // what is wrong and what would be right
}

// Error is "file:line:column: key: problem".
func (m Mistake) Error() string {
	place := fmt.Sprintf("%s:%d:%d: ", m.File, m.Line, m.Column)
	if m.Key == "" {
		return place + m.Problem
	}
	return place + m.Key + ": " + m.Problem
}

// Mistakes are all that were found in a file, in its order; never none.
type Mistakes []Mistake

// Error has a line for each mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}

// key is the way from the top of a file to a value: "programmes[3].covers[0]".
type key string

func (k key) of(name string) key {
	if k == "" {
		return key(name)
	}
	return k + "." + key(name)
}

func (k key) at(i int) key { return k + key(fmt.Sprintf("[%d]", i)) }

// around is the key of what surrounds the value.
func (k key) around() key {
	return k[:max(strings.LastIndexAny(string(k), ".["), 0)]
}

type place struct{ line, column int }

// A reading is one file on its way into a catalogue: where its values stand and
// what is wrong with them.
type reading struct {
	name       string
	places     map[key]place
	mistakes   map[key]Mistake
	unreadable map[key]bool // missing, or of another kind: nothing within was read
}

func newReading(name string) *reading {
	return &reading{name: name, places: map[key]place{"": {1, 1}}, mistakes: map[key]Mistake{}, unreadable: map[key]bool{}}
}

// wrong notes a mistake. Only the first about each value is kept, and none about
// what lies within an unreadable one: they would follow from it.
func (r *reading) wrong(k key, problem string, args ...any) {
	if _, known := r.mistakes[k]; known || r.within(k) {
		return
	}
	p := r.placeOf(k)
	r.mistakes[k] = Mistake{r.name, p.line, p.column, string(k), fmt.Sprintf(problem, args...)}
}

// cannotRead notes that a value is missing or of another kind.
func (r *reading) cannotRead(k key, problem string, args ...any) {
	r.wrong(k, problem, args...)
	r.unreadable[k] = true
}

// within reports whether something around the value could not be read.
func (r *reading) within(k key) bool {
	for k != "" {
		k = k.around()
		if r.unreadable[k] {
			return true
		}
	}
	return false
}

// placeOf returns where a value stands, or what surrounds it where it is missing.
func (r *reading) placeOf(k key) place {
	for {
		if p, ok := r.places[k]; ok {
			return p
		}
		k = k.around()
	}
}

// verdict returns all mistakes in the file's order, or nil.
func (r *reading) verdict() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	var all Mistakes
	for _, m := range r.mistakes {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Key, b.Key))
	})
	return all
}
