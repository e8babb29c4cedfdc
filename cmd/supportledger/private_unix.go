//go:build unix

package main

import (
	"syscall"
)

// makePrivate lets nobody but the owner into the files that the process makes.
func makePrivate() { syscall.Umask(0o077) }
