//go:build !unix

package attachments

import "os"

// lockFile does nothing here: the lock on the data folder has to do.
func lockFile(*os.File) (free bool, err error) { return true, nil }
