package yardstick

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/supportledger/supportledger/bench/load"
)

// RawPebble puts frames into two Pebble databases, batch by batch, the way
// pebblestore does: the frames synced, while the next batch is being made; their
// index entries, of about the same size as there, without. Nothing is decided
// and nobody waits for an answer.
type RawPebble struct {
	Frames  [][]byte // put again and again, in turn
	Batch   int      // frames that share a sync
	Streams int      // that the frames belong to, in turn
}

// Run does it in a folder that it makes, and returns how many frames a second
// became durable.
func (p RawPebble) Run(ctx context.Context, dir string, span load.Span) (rate float64, err error) {
	cache := pebble.NewCache(128 << 20)
	defer cache.Unref()
	frames, err := pebble.Open(filepath.Join(dir, "log"), rawOptions(cache, 32<<10))
	if err != nil {
		return 0, fmt.Errorf("open Pebble: %w", err)
	}
	defer func() { err = errors.Join(err, frames.Close()) }()
	o := rawOptions(cache, 8<<10)
	o.DisableWAL = true
	for i := range o.Levels {
		o.Levels[i].FilterPolicy, o.Levels[i].FilterType = bloom.FilterPolicy(10), pebble.TableFilter
	}
	index, err := pebble.Open(filepath.Join(dir, "index"), o)
	if err != nil {
		return 0, fmt.Errorf("open Pebble: %w", err)
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	return p.put(ctx, frames, index, span)
}

// rawOptions are pebblestore's.
func rawOptions(cache *pebble.Cache, block int) *pebble.Options {
	o := &pebble.Options{
		Cache: cache, FormatMajorVersion: pebble.FormatValueSeparation, Logger: silent{},
		MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4, MaxOpenFiles: 1000,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 1000, LBaseMaxBytes: 256 << 20,
	}
	o.TargetFileSizes[0] = 8 << 20
	o.Experimental.EnableColumnarBlocks = func() bool { return true }
	for i := range o.Levels {
		o.Levels[i].BlockSize, o.Levels[i].IndexBlockSize = block, 64<<10
	}
	return o
}

// silent drops what Pebble says, but for what ends the process.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	log.Fatalf("pebble: "+format, args...)
}

// A pair of batches on their way.
type pair struct{ frames, index *pebble.Batch }

// put writes batches until the span is over; one is synced while the next is
// made.
func (p RawPebble) put(ctx context.Context, frames, index *pebble.DB, span load.Span) (float64, error) {
	written, ended := make(chan pair, 1), make(chan error, 1)
	go func() { ended <- finish(written, index) }()
	start := time.Now()
	var n, warm int
	var measured time.Time
	for ctx.Err() == nil && time.Since(start) < span.Warm+span.Measure {
		if measured.IsZero() && time.Since(start) >= span.Warm {
			measured, warm = time.Now(), n
		}
		b, err := p.batch(frames, index, n)
		if err == nil {
			err = frames.ApplyNoSyncWait(b.frames, pebble.Sync)
		}
		if err != nil {
			close(written)
			return 0, errors.Join(fmt.Errorf("write to Pebble: %w", err), <-ended)
		}
		written <- b
		n += p.Batch
	}
	close(written)
	err := errors.Join(<-ended, ctx.Err())
	return float64(n-warm) / time.Since(measured).Seconds(), err
}

// batch makes the batch of the nth frame and those after it.
func (p RawPebble) batch(frames, index *pebble.DB, n int) (pair, error) {
	b := pair{frames.NewBatch(), index.NewBatch()}
	var key []byte
	for range p.Batch {
		n++
		position := uint64(2 * n)
		err := b.frames.Set(binary.BigEndian.AppendUint64(key[:0], position), p.Frames[n%len(p.Frames)], nil)
		stream := uint64(n%p.Streams) * 0x9e3779b97f4a7c15 // as far apart as names of contracts
		key = fmt.Appendf(key[:0], "%016x-0000-0000-00000000000\x00", stream)
		key = binary.BigEndian.AppendUint64(key, ^position)
		err = errors.Join(err, b.index.Set(key, binary.AppendUvarint(nil, position), nil))
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

// finish waits for each sync, and then writes the index.
func finish(written <-chan pair, index *pebble.DB) (err error) {
	for b := range written {
		if err == nil {
			err = b.frames.SyncWait()
		}
		if err == nil {
			err = index.Apply(b.index, pebble.NoSync)
		}
		if err == nil {
			err = errors.Join(b.frames.Close(), b.index.Close())
		}
	}
	return err
}

// Frames reads the first values of a Pebble database that nobody has open, from
// a key on.
func Frames(dir string, from uint64, most int) (frames [][]byte, err error) {
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, Logger: silent{}})
	if err != nil {
		return nil, fmt.Errorf("read frames: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: binary.BigEndian.AppendUint64(nil, from)})
	if err != nil {
		return nil, fmt.Errorf("read frames: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok && len(frames) < most; ok = it.Next() {
		frames = append(frames, append([]byte(nil), it.Value()...))
	}
	if len(frames) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return frames, it.Error()
}
