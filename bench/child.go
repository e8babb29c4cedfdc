package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A child is a server in a process of its own. It ends when its standard input
// does, so that it never outlives this process.
type child struct {
	addr  string // where it listens
	cmd   *exec.Cmd
	input io.Closer
}

// startSelf starts this program again with other arguments and returns when it
// has said where it listens.
func startSelf(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	input, err1 := cmd.StdinPipe()
	output, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	c := &child{cmd: cmd, input: input}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: it did not say where it listens: %w", err), c.stop())
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

// stop lets the server end and waits for it, ten seconds at most.
func (c *child) stop() error {
	kill := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	if err := errors.Join(c.input.Close(), c.cmd.Wait()); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	return nil
}
