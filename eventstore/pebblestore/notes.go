package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// A notepad is a small file that remembers two numbers. It has two slots,
// written in turn, so that a write which was cut in the middle, or a slot which
// was damaged, leaves the note before.
type notepad struct {
	file vfs.File
	path string
	seq  uint64 // of the newest note
	size uint64 // what a note says: how far something is known to go,
	mark uint64 // and something about it
}

const (
	notepadSlot = 64
	noteUsed    = 8 + 8 + 8 + 4 // sequence, size, mark, CRC-32C
)

// openNotepad opens the file and reads the newest note, or makes a file that
// says 0 and 0.
func openNotepad(fs vfs.FS, path string, make bool) (*notepad, error) {
	file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	n := &notepad{file: file, path: path}
	if make {
		err = errors.Join(n.write(0, 0), n.write(0, 0), n.sync())
	} else {
		err = n.read()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return n, nil
}

func (n *notepad) read() error {
	var buf [2 * notepadSlot]byte
	if _, err := n.file.ReadAt(buf[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", n.path, err)
	}
	for slot := range 2 {
		b := buf[slot*notepadSlot:]
		if crc32.Checksum(b[:24], castagnoli) != binary.LittleEndian.Uint32(b[24:noteUsed]) {
			continue
		}
		if seq := binary.LittleEndian.Uint64(b); seq > n.seq {
			n.seq, n.size, n.mark = seq, binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
		}
	}
	if n.seq == 0 {
		return &eventstore.CorruptError{Where: n.path, Reason: "neither of its two notes fits its checksum; restore a backup"}
	}
	return nil
}

func (n *notepad) write(size, mark uint64) error {
	var slot [notepadSlot]byte
	n.seq++
	n.size, n.mark = size, mark
	binary.LittleEndian.PutUint64(slot[:], n.seq)
	binary.LittleEndian.PutUint64(slot[8:], size)
	binary.LittleEndian.PutUint64(slot[16:], mark)
	binary.LittleEndian.PutUint32(slot[24:], crc32.Checksum(slot[:24], castagnoli))
	if _, err := n.file.WriteAt(slot[:], int64(n.seq%2*notepadSlot)); err != nil {
		return fmt.Errorf("write %s: %w", n.path, err)
	}
	return nil
}

func (n *notepad) sync() error {
	if err := n.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", n.path, err)
	}
	return nil
}
