//go:build linux

package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/supportledger/supportledger/internal/lacking"
)

// Need skips a test, or fails it where CI=true, unless these programs are
// installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacking.Here(t, p+" is not installed (Debian: apt-get install strace util-linux e2fsprogs)")
		}
	}
}

// NeedRoot skips a test, or fails it where CI=true, unless it may mount.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking.Here(t, "mounting needs root (sudo)")
	}
}

// Tmpfs mounts a file system in memory of a size in bytes, and returns its folder.
func Tmpfs(t testing.TB, size int) string {
	t.Helper()
	NeedRoot(t)
	Need(t, "mount", "umount")
	dir := t.TempDir()
	run(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir)
	t.Cleanup(func() { run(t, "umount", "-l", dir) })
	return dir
}

// A Disk is an ext4 file system of its own, which can lose its power.
type Disk struct {
	Dir   string // where it is mounted
	image string
}

// NewDisk makes and mounts a disk of a size in bytes.
func NewDisk(t testing.TB, size int64) *Disk {
	t.Helper()
	NeedRoot(t)
	Need(t, "mount", "umount", "mkfs.ext4", "losetup")
	folder := t.TempDir()
	d := &Disk{Dir: filepath.Join(folder, "disk"), image: filepath.Join(folder, "image")}
	file, err := os.Create(d.image)
	if err == nil {
		err = file.Truncate(size)
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = os.Mkdir(d.Dir, 0o700)
	}
	if err != nil {
		t.Fatalf("make disk image: %v", err)
	}
	run(t, "mkfs.ext4", "-q", d.image)
	d.mount(t)
	t.Cleanup(func() { _ = exec.Command("umount", "-l", d.Dir).Run() })
	return d
}

func (d *Disk) mount(t testing.TB) {
	t.Helper()
	run(t, "mount", "-o", "loop", d.image, d.Dir)
}

// CutPower loses everything that was not synced, from now on until Restart.
func (d *Disk) CutPower(t testing.TB) {
	t.Helper()
	const (
		shutdown   = 0x8004587d // FS_IOC_SHUTDOWN
		noLogFlush = 2
	)
	dir, err := os.Open(d.Dir)
	if err != nil {
		t.Fatalf("open disk: %v", err)
	}
	defer func() { _ = dir.Close() }()
	flag := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		t.Fatalf("cut power: %v", errno)
	}
}

// Restart mounts the disk again, as after a power cut. Nothing may have files
// open on it.
func (d *Disk) Restart(t testing.TB) {
	t.Helper()
	run(t, "umount", d.Dir)
	d.mount(t)
}

// Strace makes cmd run under strace with an injection, for example
// "fdatasync,fsync:error=EIO:when=5+"; strace counts per thread.
func Strace(t testing.TB, cmd *exec.Cmd, injection string) {
	t.Helper()
	Need(t, "strace")
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("find strace: %v", err)
	}
	calls, _, _ := strings.Cut(injection, ":")
	cmd.Args = append([]string{"strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace=" + calls, "-e", "inject=" + injection, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = path
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
