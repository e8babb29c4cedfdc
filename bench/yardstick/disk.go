package yardstick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Fdatasync returns the median time that writing size bytes and syncing them
// takes a file in dir. The file has its full length before, as the segments of
// a log that are used again do: growing it would cost a sync of the file
// system's own records as well, and flatter what is compared with it.
func Fdatasync(ctx context.Context, dir string, size, writes int) (median time.Duration, err error) {
	path := filepath.Join(dir, "fdatasync")
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("time syncs: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	if err := fill(f, size*writes); err != nil {
		return 0, fmt.Errorf("time syncs: %w", err)
	}
	frame := make([]byte, size)
	took := make([]time.Duration, 0, writes)
	for i := range writes {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		frame[0] = byte(i) + 1
		start := time.Now()
		if _, err := f.WriteAt(frame, int64(i*size)); err != nil {
			return 0, fmt.Errorf("time syncs: %w", err)
		}
		if err := fdatasync(f); err != nil {
			return 0, fmt.Errorf("time syncs: %w", err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// fill gives a file its full length, durably.
func fill(f *os.File, length int) error {
	block := make([]byte, 1<<20)
	for at := 0; at < length; at += len(block) {
		if _, err := f.WriteAt(block[:min(len(block), length-at)], int64(at)); err != nil {
			return err
		}
	}
	return f.Sync()
}
