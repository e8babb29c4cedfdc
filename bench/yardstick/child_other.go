//go:build !linux

package yardstick

import "syscall"

// EndsWithUs describes a child process.
func EndsWithUs() *syscall.SysProcAttr { return nil }
