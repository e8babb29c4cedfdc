// Package paper keeps a contract as a bystander would, on one sheet of paper, and
// says whether what many callers were answered at once could have been answered to
// them one after another. Only tests import it.
package paper

import (
	"fmt"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// A Step is what one caller asked of a contract, and what it was told.
type Step struct {
	Kind string // submit, credit, suspend, resume, read
	Code string // of the refusal, "" for success
	Left int64  // as answered by submit, credit and read; Untold where it was not
}

// Untold stands for what is left where an answer does not tell.
const Untold = -1

// sheet is what stands on the paper.
type sheet struct {
	left      int64
	suspended bool
}

// A History is all that callers have asked of one contract. It is safe for
// concurrent use.
type History struct {
	mu  sync.Mutex
	ops []porcupine.Operation
}

// Note adds what a client asked at a time, and was told just now. A caller who got
// no answer and asked again under the same key has asked once, all that time.
func (h *History) Note(client int, began time.Time, s Step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: s.Kind, Output: s, Call: began.UnixNano(), Return: time.Now().UnixNano()})
}

// judging bounds how long a history is thought about.
const judging = 20 * time.Second

// Judge returns an error unless the answers are those of some order of the calls,
// in which none stands before one that had ended when it began. The contract had so
// many incidents at first.
func (h *History) Judge(incidents int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	model := porcupine.Model{
		Init: func() any { return sheet{left: incidents} },
		Step: func(state, input, output any) (bool, any) {
			return legal(state.(sheet), input.(string), output.(Step))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%s → %+v", input, output) },
	}
	if got := porcupine.CheckOperationsTimeout(model, h.ops, judging); got != porcupine.Ok {
		return fmt.Errorf("the answers of %d calls are not those of any order of them: %v", len(h.ops), got)
	}
	return nil
}

func legal(a sheet, kind string, s Step) (bool, any) {
	told := func() bool { return s.Left == a.left || s.Left == Untold }
	switch kind {
	case "submit":
		switch {
		case a.suspended:
			return s.Code == "suspended", a
		case a.left == 0:
			return s.Code == "none-available", a
		}
		a.left--
		return s.Code == "" && told(), a
	case "credit":
		a.left++
		return s.Code == "" && told(), a
	case "suspend", "resume":
		a.suspended = kind == "suspend"
		return s.Code == "", a
	}
	return s.Left == a.left, a
}
