package yardstick

import (
	"fmt"
	"os"
	"syscall"
)

// Settle waits until the kernel has written what earlier work left behind, so
// that it does not slow what comes next.
func Settle() { syscall.Sync() }

// fdatasync makes what was written to f durable.
func fdatasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// tmpfs is the kernel's number for file systems in memory.
const tmpfs = 0x01021994

// CheckDurable refuses a folder in memory, on which a sync costs nothing and
// proves nothing.
func CheckDurable(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if int64(fs.Type) == tmpfs {
		return fmt.Errorf("%s lies in memory (tmpfs), where nothing is durable: choose a folder on a disk with --dir", dir)
	}
	return nil
}
