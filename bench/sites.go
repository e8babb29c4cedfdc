package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/supportledger/supportledger/bench/site"
)

// program is the file of the real program, built once per lab the way `make
// build` does unless one was named.
func (l *Lab) program(ctx context.Context) (string, error) {
	if l.Program != "" {
		return l.Program, nil
	}
	file, err := l.build(ctx, "supportledger", "github.com/supportledger/supportledger/cmd/supportledger")
	if err != nil {
		return "", err
	}
	l.Program = file
	return file, nil
}

// build makes a program into the lab's folder.
func (l *Lab) build(ctx context.Context, name, source string) (file string, err error) {
	file = filepath.Join(l.Dir, name)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", file, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s (run this inside the module, or name a program with --program): %w: %s", name, err, out)
	}
	return file, nil
}

// onSite lends a new site with contracts that nobody has used.
func (l *Lab) onSite(ctx context.Context, contracts int, use func(*site.Site) (Sample, error)) (Sample, error) {
	s, err := site.Make(ctx, filepath.Join(l.Dir, "site"), site.History{Contracts: contracts})
	if err != nil {
		return Sample{}, err
	}
	_, rowsErr := s.CatchUp(ctx)
	_, feedErr := s.Publish(ctx)
	if err := errors.Join(rowsErr, feedErr); err != nil {
		return Sample{}, errors.Join(err, s.Remove())
	}
	return lend(s, use)
}

// lend lets a site be used, and removes it.
func lend(s *site.Site, use func(*site.Site) (Sample, error)) (Sample, error) {
	sample, err := use(s)
	return sample, errors.Join(err, s.Remove())
}

// log lends a site with some history, the same one to all, who may read only.
func (l *Lab) log(ctx context.Context) (*site.Site, error) {
	if l.history != nil {
		return l.history, nil
	}
	h := site.History{Contracts: 10_000, Submissions: 500_000}
	if l.Quick {
		h.Submissions = 100_000
	}
	var err error
	l.history, err = l.makeHistory(ctx, "log", h)
	return l.history, err
}

func (l *Lab) makeHistory(ctx context.Context, name string, h site.History) (*site.Site, error) {
	l.Say("  making a log of %s events about %s contracts", count(int64(h.Events())), count(int64(h.Contracts)))
	began := time.Now()
	s, err := site.Make(ctx, filepath.Join(l.Dir, name), h)
	if err == nil {
		l.Say("  that took %v", time.Since(began).Round(time.Second))
	}
	return s, err
}

// profiled notes where the processor time goes while something is done, if that
// was asked for.
func (l *Lab) profiled(do func() error) error {
	if l.Profiles == "" {
		return do()
	}
	f, err := os.Create(filepath.Join(l.Profiles, l.measuring+".pprof"))
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(fmt.Errorf("write profile: %w", err), f.Close())
	}
	err = do()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}
