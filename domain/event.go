package domain

// An Event is a fact as it is recorded, whichever aggregate it belongs to.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN".
	Name() string
}
