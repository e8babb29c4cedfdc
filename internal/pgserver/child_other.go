//go:build !linux

package pgserver

import "syscall"

// owner is the user a child process runs as; nil is whoever runs this.
type owner struct{ uid, gid int }

// childOf describes a child process.
func childOf(*owner) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// unprivileged is nil: children run as whoever runs this.
func unprivileged() (*owner, error) { return nil, nil }
