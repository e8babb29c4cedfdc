//go:build !linux

package vault

import "os"

// syncData makes the file's content and length durable.
func syncData(file *os.File) error { return file.Sync() }
