//go:build !unix

package vault

import "os"

// lockFile does nothing here: the lock on the data folder has to do.
func lockFile(*os.File) error { return nil }
