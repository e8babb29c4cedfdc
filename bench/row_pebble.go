package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
)

// The yardsticks that are Pebble alone.
const (
	pebbleSpread = "pebble-spread"
	pebbleHot    = "pebble-hot"
)

// together is how many of the submissions of 512 callers share a sync, in the
// ledger too: half of them wait for one while the other half is being made.
const together = callers / 2

// pebbleRow measures what Pebble takes of the ledger's frames: each of one
// submission, or, of one hot contract, each of all that share a sync.
func pebbleRow(name, what string, contracts int) Row {
	return Row{Name: name, What: what, Unit: "/s", Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		frames, err := lab.frames(ctx)
		if err != nil {
			return Sample{}, err
		}
		p := yardstick.RawPebble{Frames: frames, Batch: together, Streams: contracts}
		perFrame := 1.0
		if contracts == 1 {
			p.Frames, p.Batch, perFrame = joined(frames), 1, together
		}
		defer asServed()()
		dir := filepath.Join(lab.Dir, "pebble")
		if err := os.Mkdir(dir, 0o700); err != nil {
			return Sample{}, fmt.Errorf("make folder: %w", err)
		}
		rate, err := p.Run(ctx, dir, lab.Span)
		note := fmt.Sprintf("frames of %d bytes, %d in a batch", len(p.Frames[0]), p.Batch)
		return Sample{Figure: rate * perFrame, Note: note}, errors.Join(err, os.RemoveAll(dir))
	}}
}

// frames are what the log holds of some submissions.
func (l *Lab) frames(ctx context.Context) (frames [][]byte, err error) {
	h := site.History{Contracts: 1000, Submissions: 8 * together}
	s, err := site.Make(ctx, filepath.Join(l.Dir, "site"), h)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Remove()) }()
	submissions := uint64(site.History{Contracts: h.Contracts}.Events() + 1)
	return yardstick.Frames(filepath.Join(s.Dir, "store", "log"), submissions, h.Submissions)
}

// frameEnds are the bytes of a frame that it has once, however many submissions
// it carries: before the events, the stream's name included, and after them.
const (
	frameHead = 21 + 1 + 36
	frameTail = 4
)

// joined are frames of as many submissions as share a sync.
func joined(frames [][]byte) [][]byte {
	var all [][]byte
	for ; len(frames) >= together; frames = frames[together:] {
		var b bytes.Buffer
		for i, f := range frames[:together] {
			if i > 0 {
				f = f[frameHead:]
			}
			b.Write(f[:len(f)-frameTail])
		}
		b.Write(make([]byte, frameTail))
		all = append(all, b.Bytes())
	}
	return all
}
