// Package ledger is the command loop: it loads a contract, decides a wish and
// appends what follows, once.
package ledger

import "errors"

// Errors that are not refusals.
var (
	// ErrBusy says that others kept changing the contract while the wish was
	// decided; nothing was recorded, and the same request may be sent again.
	ErrBusy = errors.New("the contract was changed too often at the same time")
)
