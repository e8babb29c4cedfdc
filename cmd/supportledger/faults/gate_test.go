//go:build linux

package faults_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/supportledger/supportledger/internal/lacking"
)

// A gate stands before every fsync and fdatasync of a process, whatever thread
// calls it, and decides one after another: strace counts for each thread apart,
// and so never comes to most of them. It is a seccomp filter that asks this
// process; everything else runs at full speed, and root is not needed.
type gate struct {
	decide   func(n int, path string) verdict // n counts from 1
	listener int

	mu   sync.Mutex
	seen []string // what was synced, in order
}

// A verdict is what becomes of a sync.
type verdict int

const (
	pass verdict = iota
	fail         // with EIO, and nothing is synced
	kill         // the process, before the sync
)

// gated, in the environment, tells this test binary to become the program that
// it names, behind a gate.
const gated = "SUPPORTLEDGER_GATED"

// startGated starts a ledger behind a gate.
func startGated(t testing.TB, dir string, decide func(n int, path string) verdict) (*program, *gate) {
	t.Helper()
	return behindGate(t, dir, serving(t, dir), decide)
}

// behindGate starts a command on a folder behind a gate.
func behindGate(t testing.TB, dir string, cmd *exec.Cmd, decide func(n int, path string) verdict) (*program, *gate) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	theirs := os.NewFile(uintptr(pair[1]), "gate")
	cmd.Env = append(os.Environ(), gated+"="+cmd.Path)
	cmd.Path, cmd.ExtraFiles = self, []*os.File{theirs}
	g := &gate{decide: decide}
	ended := make(chan struct{})
	go func() { // start returns only when the program is ready, which is behind the gate
		defer close(ended)
		g.guard(pair[0])
	}()
	p := start(t, dir, cmd)
	must(t, theirs.Close())
	t.Cleanup(func() { p.kill(); <-ended })
	if strings.Contains(p.said.String(), noGate) {
		lacking.Here(t, p.said.String())
	}
	return p, g
}

// noGate begins what a process says that cannot stand behind a gate.
const noGate = "no gate before syncs: "

// guard takes the listener from the process and decides until it ends.
func (g *gate) guard(socket int) {
	defer syscall.Close(socket)
	message, rights := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := syscall.Recvmsg(socket, message, rights, syscall.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return // it has said why
	}
	parts, err := syscall.ParseSocketControlMessage(rights[:n])
	if err != nil || len(parts) != 1 {
		return
	}
	fds, err := syscall.ParseUnixRights(&parts[0])
	if err != nil || len(fds) != 1 {
		return
	}
	g.listener = fds[0]
	defer syscall.Close(g.listener)
	for g.one() {
	}
}

// The kernel's structures of <linux/seccomp.h>.
type (
	notification struct {
		id    uint64
		pid   uint32
		flags uint32
		data  struct {
			number int32
			arch   uint32
			ip     uint64
			args   [6]uint64
		}
	}
	response struct {
		id    uint64
		value int64
		err   int32
		flags uint32
	}
)

const (
	ioctlReceive = 0xc0502100
	ioctlSend    = 0xc0182101
	goOn         = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

// one decides about the next sync; false says that the process has ended.
func (g *gate) one() bool {
	var n notification
	if !g.wait() {
		return false
	}
	if errno := ioctl(g.listener, ioctlReceive, unsafe.Pointer(&n)); errno != 0 {
		return errno == syscall.ENOENT || errno == syscall.EINTR // whoever called is gone
	}
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.pid, n.data.args[0]))
	g.mu.Lock()
	g.seen = append(g.seen, path)
	count := len(g.seen)
	g.mu.Unlock()
	answer := response{id: n.id, flags: goOn}
	switch g.decide(count, path) {
	case kill:
		_ = syscall.Kill(int(n.pid), syscall.SIGKILL)
		return true
	case fail:
		answer.flags, answer.err = 0, -int32(syscall.EIO)
	}
	_ = ioctl(g.listener, ioctlSend, unsafe.Pointer(&answer)) // it may be gone
	return true
}

// syncs is what was synced until now.
func (g *gate) syncs() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.seen...)
}

// wait waits for the next sync; false says that the process has ended.
func (g *gate) wait() bool {
	poll := struct {
		fd       int32
		asked    int16
		answered int16
	}{fd: int32(g.listener), asked: 1}
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, 0, 0, 0, 0)
		if errno != syscall.EINTR {
			return errno == 0 && poll.answered&1 != 0
		}
	}
}

func ioctl(fd int, what uintptr, with unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), what, uintptr(with))
	return errno
}

// becomeGated puts this process behind a gate, hands the gate to whoever started
// it, and becomes the program. It does not return.
func becomeGated() {
	runtime.LockOSThread() // the filter is the thread's
	listener, err := filterSyncs()
	if err == nil {
		err = syscall.Sendmsg(3, []byte{0}, syscall.UnixRights(listener), nil, 0)
	}
	if err == nil {
		syscall.CloseOnExec(3)
		path := os.Getenv(gated)
		os.Unsetenv(gated)
		err = syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, noGate+err.Error()+" (seccomp with user notification is needed: Linux 5.5 or newer)")
	os.Exit(1)
}

// filterSyncs has the kernel ask, from now on, before this thread and all that
// come from it sync anything.
func filterSyncs() (listener int, err error) {
	const (
		noNewPrivileges = 38
		setModeFilter   = 1
		newListener     = 1 << 3
		load, equal     = 0x20, 0x15 // BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K
		answer          = 0x06       // BPF_RET|BPF_K
		ask, allow      = 0x7fc00000, 0x7fff0000
	)
	number, ok := map[string]uintptr{"amd64": 317, "arm64": 277}[runtime.GOARCH]
	if !ok {
		return 0, errors.New("the number of seccomp is not known for " + runtime.GOARCH)
	}
	filter := []syscall.SockFilter{
		{Code: load},
		{Code: equal, Jt: 1, K: syscall.SYS_FSYNC},
		{Code: equal, Jf: 1, K: syscall.SYS_FDATASYNC},
		{Code: answer, K: ask},
		{Code: answer, K: allow},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0); errno != 0 {
		return 0, errno
	}
	fd, _, errno := syscall.RawSyscall(number, setModeFilter, newListener, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}
