package vault

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
)

// DamagedError names a place in a file of people's keys whose bytes are not what
// was written. Nothing was changed in the file.
type DamagedError struct {
	File   string
	Offset int64 // of the header (0) or of the slot, in bytes
	Reason string
}

// Error names file, place and way out.
func (e *DamagedError) Error() string {
	place := "header"
	if e.Offset > 0 {
		place = fmt.Sprintf("slot %d (offset %d)", e.Offset/unitLen-1, e.Offset)
	}
	return fmt.Sprintf("file %s: %s is damaged: %s; restore the file from its own safe copy", e.File, place, e.Reason)
}

// tornTail is what a crash left at the end of the file.
type tornTail struct{ offset, length int64 }

// scanned is what a file was found to hold.
type scanned struct {
	live  map[uuid.UUID]uint32
	slots uint32
	torn  tornTail
}

func slotOffset(number uint32) int64 { return unitLen * (int64(number) + 1) }

// readPeople locks, checks and reads the whole file, and cuts its torn end.
func readPeople(file *os.File) (scanned, error) {
	if err := checkPrivate(file); err != nil {
		return scanned{}, err
	}
	if err := lockFile(file); err != nil {
		return scanned{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return scanned{}, err
	}
	acknowledged, err := readHeader(file)
	if err != nil {
		return scanned{}, err
	}
	found, err := scanSlots(file, info.Size(), acknowledged)
	if err != nil {
		return scanned{}, err
	}
	if found.torn.length > 0 {
		err = cut(file, found.torn.offset)
	}
	return found, err
}

func readHeader(file *os.File) (acknowledged uint64, err error) {
	unit := make([]byte, unitLen)
	if n, err := file.ReadAt(unit, 0); n < unitLen {
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		return 0, &DamagedError{file.Name(), 0, fmt.Sprintf("the file ends after %d bytes", n)}
	}
	if acknowledged, err = parseHeader(unit); err != nil {
		return 0, &DamagedError{file.Name(), 0, err.Error()}
	}
	return acknowledged, nil
}

func scanSlots(file *os.File, size int64, acknowledged uint64) (scanned, error) {
	end, err := finishedEnd(file, size)
	if err != nil {
		return scanned{}, err
	}
	count := uint64(end/unitLen - 1)
	if count < acknowledged {
		return scanned{}, &DamagedError{file.Name(), end, fmt.Sprintf("the file ends here, after %d of %d keys", count, acknowledged)}
	}
	found := scanned{slots: uint32(count), live: make(map[uuid.UUID]uint32, count)}
	if end < size {
		found.torn = tornTail{end, size - end}
	}
	r := bufio.NewReaderSize(io.NewSectionReader(file, unitLen, end-unitLen), 1<<20)
	unit := make([]byte, unitLen)
	for number := range found.slots {
		if _, err := io.ReadFull(r, unit); err != nil {
			return scanned{}, err
		}
		if err := found.add(number, unit); err != nil {
			return scanned{}, &DamagedError{file.Name(), slotOffset(number), err.Error()}
		}
	}
	return found, nil
}

func (f *scanned) add(number uint32, unit []byte) error {
	s, err := parseSlot(unit)
	if err != nil || s.state == slotErased {
		return err
	}
	if other, double := f.live[s.person]; double {
		return fmt.Errorf("slot %d has a key for the same person", other)
	}
	f.live[s.person] = number
	return nil
}

// finishedEnd finds where the slots that were written to their end stop.
func finishedEnd(file *os.File, size int64) (int64, error) {
	end := size - size%unitLen
	unit := make([]byte, unitLen)
	for ; end > unitLen; end -= unitLen {
		if _, err := file.ReadAt(unit, end-unitLen); err != nil {
			return 0, err
		}
		if !unfinished(unit) {
			break
		}
	}
	return end, nil
}

func cut(file *os.File, end int64) error {
	if err := file.Truncate(end); err != nil {
		return err
	}
	return file.Sync()
}
