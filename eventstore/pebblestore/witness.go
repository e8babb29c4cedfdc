package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// The witness is a small file beside the log that remembers how far records
// were durable, so that a log which lost its acknowledged tail to damage is
// told from one that never had it. It is written after every sync and is not
// synced itself: it outlives the process at once, and a power cut once the
// system wrote it back; what it says is never ahead of the log. Two slots,
// written in turn, survive a write that was cut in the middle.
type witness struct {
	file  vfs.File
	path  string
	turn  int
	noted eventstore.Position
}

const (
	witnessFile = "head"
	witnessSlot = 64
	slotUsed    = 8 + 1 + 4 // position, clean stop, CRC-32C
)

// openWitness opens the file and returns what it last noted. A missing file is
// fine only where there is no log yet.
func openWitness(fs vfs.FS, dir string, fresh bool) (w *witness, clean bool, err error) {
	w = &witness{path: fs.PathJoin(dir, witnessFile)}
	if _, err := fs.Stat(w.path); err != nil && !fresh {
		if errors.Is(err, os.ErrNotExist) {
			err = &eventstore.CorruptError{Where: w.path, Reason: "the file is missing, the log is not; restore a backup"}
		}
		return nil, false, err
	}
	if w.file, err = fs.OpenReadWrite(w.path, vfs.WriteCategoryUnspecified); err != nil {
		return nil, false, fmt.Errorf("open witness: %w", err)
	}
	if fresh {
		return w, true, errors.Join(w.write(true), w.settle(0, true), syncDir(fs, dir))
	}
	if clean, err = w.read(); err != nil {
		_ = w.file.Close()
		return nil, false, err
	}
	return w, clean, nil
}

// read takes the newest slot that is whole.
func (w *witness) read() (clean bool, err error) {
	var buf [2 * witnessSlot]byte
	if _, err := w.file.ReadAt(buf[:], 0); err != nil {
		return false, &eventstore.CorruptError{Where: w.path, Reason: "it is too short: " + err.Error()}
	}
	found := false
	for i := range 2 {
		slot := buf[i*witnessSlot:]
		if crc32.Checksum(slot[:9], castagnoli) != binary.LittleEndian.Uint32(slot[9:slotUsed]) {
			continue
		}
		if p := eventstore.Position(binary.LittleEndian.Uint64(slot)); !found || p >= w.noted {
			w.noted, w.turn, found = p, 1-i, true
			clean = slot[8] == 1
		}
	}
	if !found {
		return false, &eventstore.CorruptError{Where: w.path, Reason: "neither of its two notes fits its checksum; restore a backup"}
	}
	return clean, nil
}

// note remembers that records up to p are durable. A failure is no harm by
// itself: the note before stays.
func (w *witness) note(p eventstore.Position) {
	w.noted = p
	_ = w.write(false)
}

func (w *witness) write(clean bool) error {
	var slot [witnessSlot]byte
	binary.LittleEndian.PutUint64(slot[:], uint64(w.noted))
	if clean {
		slot[8] = 1
	}
	binary.LittleEndian.PutUint32(slot[9:slotUsed], crc32.Checksum(slot[:9], castagnoli))
	_, err := w.file.WriteAt(slot[:], int64(w.turn*witnessSlot))
	w.turn = 1 - w.turn
	if err != nil {
		return fmt.Errorf("write witness: %w", err)
	}
	return nil
}

// settle notes p and syncs.
func (w *witness) settle(p eventstore.Position, clean bool) error {
	w.noted = p
	if err := w.write(clean); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync witness: %w", err)
	}
	return nil
}

func (w *witness) close() error { return w.file.Close() }
