// Package domain holds what the parts of the business share: how it refuses,
// and how it carries the texts of people.
package domain

import "fmt"

// A Refusal is a rule's answer to a wish it cannot grant: a code for programs,
// a sentence for people, and what to do next (R44). Deciders return no other
// kind of error.
type Refusal struct {
	Code   string  // kebab-case, stable: "none-available"
	Detail string  // what is wrong, naming the thing asked for
	Hint   string  // the way out; may be empty
	Fields []Field // the members of the request that are at fault, if any are
	Of     string  // the unit that the code is about, where its title would speak of another
}

// A Field names one member of a request and what is wrong with it.
type Field struct {
	Name   string `json:"field"`
	Reason string `json:"reason"`
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Detail }

// Refuse returns a refusal with a code, a way out, and a formatted detail.
func Refuse(code, hint, detail string, args ...any) *Refusal {
	return &Refusal{Code: code, Hint: hint, Detail: fmt.Sprintf(detail, args...)}
}

// RefuseField refuses a request for the content of one of its members, with the
// code "invalid-field".
func RefuseField(name, reason string) *Refusal {
	return &Refusal{
		Code:   InvalidField,
		Detail: name + " " + reason,
		Hint:   "correct " + name + " and send the request again",
		Fields: []Field{{name, reason}},
	}
}

// InvalidField is the code of refusals about the content of a member that no
// rule has a name of its own for.
const InvalidField = "invalid-field"
