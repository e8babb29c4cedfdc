// Package reread is for files that are read again when they have changed.
package reread

import "os"

// Unchanged says whether a file is still as it was when it was read: the same one,
// of the same size, written at the same time. What was never seen has changed.
func Unchanged(seen, now os.FileInfo) bool {
	return seen != nil && os.SameFile(now, seen) && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size()
}
