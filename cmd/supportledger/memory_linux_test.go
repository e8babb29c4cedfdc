//go:build linux

package main

import (
	"os"
	"syscall"
)

// maxMemory is the most that a process has held at once, in bytes.
func maxMemory(p *os.ProcessState) int64 {
	return p.SysUsage().(*syscall.Rusage).Maxrss << 10
}
