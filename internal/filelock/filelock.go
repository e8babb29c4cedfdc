// Package filelock keeps a file for one process as long as that lives.
package filelock

import "errors"

// ErrHeld says that a file is another process's.
var ErrHeld = errors.New("in use by another process")
