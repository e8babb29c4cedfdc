//go:build unix

package attachments

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile makes the file this process's own until it is closed, or says that it is
// another one's.
func lockFile(file *os.File) (free bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return true, nil
}
