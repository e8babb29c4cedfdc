package ledger

// NumbersReserved says that a node took a block of a day's counters for incident
// numbers (R25). It is bookkeeping of the ledger: no feed carries it.
type NumbersReserved struct {
	Day  string `json:"day"`  // yymmdd, UTC
	From uint32 `json:"from"` // first counter of the block
	To   uint32 `json:"to"`   // first counter after it
}

// Name implements domain.Event.
func (*NumbersReserved) Name() string { return "numbers.reserved.v1" }
