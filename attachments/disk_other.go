//go:build !linux && !darwin

package attachments

import (
	"errors"
	"math"
	"syscall"
)

// freeBytes is not known here: the disk itself says when it is full.
func freeBytes(string) (uint64, error) { return math.MaxInt64, nil }

func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) }
