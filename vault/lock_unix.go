//go:build unix

package vault

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile makes the file this process's own until it is closed: two writers
// would overwrite each other's keys.
func lockFile(file *os.File) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("file %s is in use by another process: %w", file.Name(), err)
	}
	return nil
}
