package pebblestore

import (
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// The witness is a small file beside the log that remembers how far records
// were durable, so that a log which lost its acknowledged tail to damage is
// told from one that never had it. It is written after every sync and is not
// synced itself: it outlives the process at once, and a power cut once the
// system wrote it back; what it says is never ahead of the log.
type witness struct{ *notepad }

const (
	witnessFile = "head"

	running = 0 // marks of the witness
	stopped = 1
)

// openWitness opens the file. That it is missing is fine only where there is no
// log yet.
func openWitness(fs vfs.FS, dir string, fresh bool) (witness, error) {
	path := fs.PathJoin(dir, witnessFile)
	if _, err := fs.Stat(path); err != nil && !fresh {
		if errors.Is(err, os.ErrNotExist) {
			err = &eventstore.CorruptError{Where: path, Reason: "the file is missing, the log is not; restore a backup"}
		}
		return witness{}, err
	}
	n, err := openNotepad(fs, path, fresh)
	if err != nil {
		return witness{}, err
	}
	if fresh {
		if err := errors.Join(n.write(0, stopped), n.sync(), syncDir(fs, dir)); err != nil {
			return witness{}, errors.Join(err, n.file.Close())
		}
	}
	return witness{n}, nil
}

func (w witness) noted() eventstore.Position { return eventstore.Position(w.size) }

// note remembers that records up to p are durable. A failure is no harm by
// itself: the note before stays.
func (w witness) note(p eventstore.Position) { _ = w.write(uint64(p), running) }

// settle notes p and how the store is, and syncs.
func (w witness) settle(p eventstore.Position, mark uint64) error {
	return errors.Join(w.write(uint64(p), mark), w.sync())
}
