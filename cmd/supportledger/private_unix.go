//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// makePrivate lets nobody but the owner into the files that the process makes.
func makePrivate() { syscall.Umask(0o077) }

// lockFile makes the file this process's own until it is closed.
func lockFile(file *os.File) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}
