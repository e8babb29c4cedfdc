package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// copyLeast is a million events in five minutes.
const copyLeast = 1_000_000 / 300.0

// copyThereRow measures how fast the program copies a log to a cluster, killed half
// way and asked again: until it says that every record was compared.
func copyThereRow() Row {
	return Row{
		Name: "copy-there", What: "a log to a cluster by copy, killed half way, every record compared", Unit: "events/s",
		Targets: []Target{limit(copyLeast)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			dir := filepath.Join(lab.Dir, "copied")
			lab.copied = ""
			if err := os.RemoveAll(dir); err != nil {
				return Sample{}, fmt.Errorf("throw copy away: %w", err)
			}
			var sample Sample
			err = withWire(ctx, dir, func(url string, store *pebblestore.Store) (err error) {
				sample, err = lab.copy(ctx, s, []string{"--from", s.Dir, "--to", url}, func() float64 { return head(store) / float64(s.History.Events()) })
				sample.Found = int64(head(store))
				return err
			})
			if err == nil {
				lab.copied = dir
			}
			return sample, err
		},
	}
}

func head(store *pebblestore.Store) float64 {
	p, _ := store.Head(context.Background()) // 0 when it is closed
	return float64(p)
}

// copyBackRow measures the way back, into a folder.
func copyBackRow() Row {
	return Row{
		Name: "copy-back", What: "a log from a cluster into a folder by copy, killed half way, every record compared", Unit: "events/s",
		Targets: []Target{limit(copyLeast)},
		Measure: func(ctx context.Context, lab *Lab) (sample Sample, err error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			to := &site.Site{Dir: filepath.Join(lab.Dir, "back")}
			defer func() { err = errors.Join(err, to.Remove()) }()
			dir := lab.copied
			if dir == "" {
				dir = filepath.Join(lab.Dir, "copied")
			}
			err = withWire(ctx, dir, func(url string, _ *pebblestore.Store) (err error) {
				if lab.copied == "" {
					if _, err := s.CopyTo(ctx, url); err != nil {
						return err
					}
					lab.copied = dir
				}
				whole := size(filepath.Join(s.StoreDir(), "log"))
				sample, err = lab.copy(ctx, s, []string{"--from", url, "--to", to.Dir}, func() float64 {
					return size(filepath.Join(to.Dir, "copying", "store", "log")) / whole
				})
				return err
			})
			if err != nil {
				return sample, err
			}
			found, err := to.Head(ctx)
			sample.Found = int64(found)
			return sample, err
		},
	}
}

// size is how many bytes lie in a folder.
func size(dir string) (bytes float64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // what goes meanwhile does not count
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += float64(info.Size())
		}
		return nil
	})
	return bytes
}

// copy runs the program, kills it half way, and runs it again to its end.
func (l *Lab) copy(ctx context.Context, s *site.Site, args []string, share func() float64) (Sample, error) {
	program, err := l.program(ctx)
	if err != nil {
		return Sample{}, err
	}
	run := func() *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, append([]string{"copy", "--keys", filepath.Join(s.Dir, "keys.json")}, args...)...)
		cmd.SysProcAttr = yardstick.EndsWithUs()
		return cmd
	}
	began := time.Now()
	if err := killedAt(ctx, run(), 0.5, share); err != nil {
		return Sample{}, err
	}
	half := time.Since(began)
	if out, err := run().CombinedOutput(); err != nil {
		return Sample{}, fmt.Errorf("copy: %w: %s", err, out)
	}
	took := time.Since(began)
	events := int64(s.History.Events())
	return Sample{
		Figure: float64(events) / took.Seconds(), Asked: events, Acknowledged: events,
		Note: fmt.Sprintf("%s events in %v, killed after %v", count(events), took.Round(100*time.Millisecond), half.Round(100*time.Millisecond)),
	}, nil
}

// killedAt runs a command until so much of its work is done, and kills it.
func killedAt(ctx context.Context, cmd *exec.Cmd, at float64, share func() float64) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if share() >= at {
				err := cmd.Process.Kill()
				<-ended
				return err
			}
		case err := <-ended:
			return errors.Join(errors.New("copy: it ended before it was killed"), err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), <-ended)
		}
	}
}
