package site

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/supportledger/supportledger/bench/yardstick"
)

// A Server is the real program, serving a site as a process of its own.
type Server struct {
	Addr string // host:port
	// From its start until it could be asked, and until it said that it is ready.
	Serving, Ready time.Duration

	site *Site
	cmd  *exec.Cmd
	log  *os.File
}

// readyWithin bounds how long a start is waited for.
const readyWithin = 10 * time.Minute

// Serve starts the program, with its defaults, and returns when it is ready: when
// /readyz says so.
func (s *Site) Serve(ctx context.Context, program string) (*Server, error) {
	log, err := os.OpenFile(s.file("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start ledger: %w", err)
	}
	v := &Server{site: s, log: log}
	args := []string{"serve", "--data", s.Dir, "--listen", "127.0.0.1:0", "--dev"}
	if s.NATS != "" {
		args = append(args, "--nats-url", s.NATS)
	}
	v.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	v.cmd.Stderr, v.cmd.SysProcAttr = log, yardstick.EndsWithUs()
	output, err := v.cmd.StdoutPipe()
	start := time.Now()
	if err = errors.Join(err, v.cmd.Start()); err != nil {
		return nil, errors.Join(fmt.Errorf("start ledger: %w", err), log.Close())
	}
	if v.Addr, err = listening(output); err == nil {
		v.Serving = time.Since(start)
		err = v.awaitReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start ledger: %w: %s", err, v.logTail()), v.Kill())
	}
	v.Ready = time.Since(start)
	return v, nil
}

// listening reads the address that the program prints.
func listening(output io.Reader) (string, error) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if addr, found := strings.CutPrefix(lines.Text(), "listening on http://"); found {
			return addr, nil
		}
	}
	return "", errors.Join(errors.New("it ended without saying where it listens"), lines.Err())
}

func (v *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		status, _, err := v.get(ctx, "/readyz")
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: status %d: %w", status, errors.Join(err, ctx.Err()))
		}
	}
}

func (v *Server) get(ctx context.Context, path string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.Addr+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// Metric reads one value without labels from /metrics.
func (v *Server) Metric(ctx context.Context, name string) (float64, error) {
	_, text, err := v.get(ctx, "/metrics")
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("read metrics: there is no %s", name)
}

// PeakMemory is the most memory that the process has had in use since its start,
// in bytes.
func (v *Server) PeakMemory() (int64, error) { return peakMemory(v.cmd.Process.Pid) }

// peakMemory reads VmHWM.
func peakMemory(pid int) (int64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read peak memory: %s has no VmHWM", path)
}

// Stop asks the program to end and waits for it, a minute at most.
func (v *Server) Stop() error {
	kill := time.AfterFunc(time.Minute, func() { _ = v.cmd.Process.Kill() })
	defer kill.Stop()
	err := errors.Join(v.cmd.Process.Signal(syscall.SIGTERM), v.cmd.Wait())
	if err != nil {
		err = fmt.Errorf("stop ledger: %w: %s", err, v.logTail())
	}
	return errors.Join(err, v.log.Close())
}

// Kill ends the program at once, as kill -9 does, and waits until it is gone.
func (v *Server) Kill() error {
	if err := v.cmd.Process.Kill(); err != nil {
		return errors.Join(fmt.Errorf("kill ledger: %w", err), v.log.Close())
	}
	// That it was killed is no news.
	_ = v.cmd.Wait()
	return v.log.Close()
}

func (v *Server) logTail() string {
	text, err := os.ReadFile(v.site.file("log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}
