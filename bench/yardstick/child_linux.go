package yardstick

import "syscall"

// EndsWithUs describes a child process that is ended when this one is gone.
func EndsWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
