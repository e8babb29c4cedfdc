package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/supportledger/supportledger/bench/yardstick"
)

// A NATS is a NATS server of the operator's own, a process beside the ledger's.
type NATS struct {
	URL string
	cmd *exec.Cmd
}

// StartNATS starts the program nats-server on a site's folder for it, and returns
// when it has recovered what it holds and takes connections.
func (s *Site) StartNATS(ctx context.Context, program string) (*NATS, error) {
	dir := s.file("nats")
	n := &NATS{cmd: exec.CommandContext(context.WithoutCancel(ctx), program, "--addr", "127.0.0.1", "--port", "-1",
		"--ports_file_dir", s.Dir, "--jetstream", "--store_dir", dir, "--log", s.file("nats.log"))}
	n.cmd.SysProcAttr = yardstick.EndsWithUs()
	if err := errors.Join(os.MkdirAll(dir, 0o700), n.cmd.Start()); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	if err := n.awaitPort(ctx, filepath.Join(s.Dir, fmt.Sprintf("%s_%d.ports", filepath.Base(program), n.cmd.Process.Pid))); err != nil {
		return nil, errors.Join(fmt.Errorf("start NATS, which writes to %s: %w", s.file("nats.log"), err), n.Stop())
	}
	return n, nil
}

// awaitPort reads where the server listens, once it has said so.
func (n *NATS) awaitPort(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var ports struct{ Nats []string }
		body, err := os.ReadFile(file)
		if err = errors.Join(err, json.Unmarshal(body, &ports)); err == nil && len(ports.Nats) > 0 {
			n.URL = ports.Nats[0]
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it does not say where it listens: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// PeakMemory is the most memory that the server has had in use, in bytes.
func (n *NATS) PeakMemory() (int64, error) { return peakMemory(n.cmd.Process.Pid) }

// Stop lets the server write down what it holds, and waits for its end.
func (n *NATS) Stop() error {
	// Its exit code says that it was a signal.
	defer func() { _ = n.cmd.Wait() }()
	return n.cmd.Process.Signal(syscall.SIGTERM)
}
