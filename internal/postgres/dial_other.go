//go:build !linux

package postgres

import (
	"context"
	"syscall"
)

// giveUpUnacknowledged leaves it to the system how long to wait.
func giveUpUnacknowledged(context.Context, string, string, syscall.RawConn) error { return nil }
