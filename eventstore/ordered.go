package eventstore

import "context"

// An Ordered store takes appends that are not waited for one by one, and records
// them in the order in which it was given them, whatever their streams.
type Ordered interface {
	Store

	// Begin takes an append behind those that were begun before it, and waits only
	// for room. The outcome, which must be asked for once, waits for the append and
	// answers as Append does. An append that is refused does not stop those behind
	// it, and one that was begun is not withdrawn when its context ends: those behind
	// it would take its place. Begin's own error says that nothing was recorded. Calls of Begin that are
	// under way at the same time come in any order, and so do calls of Append.
	Begin(ctx context.Context, a Append) (outcome func() (Appended, error), err error)
}
