package vault

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
	"github.com/supportledger/supportledger/internal/filelock"
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
	if err := filelock.Take(file); err != nil {
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
	return found, found.keep(file, acknowledged)
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

// scanSlots reads all slots. What was not written to its end is torn, if nobody
// was told of it: neither the header nor a later slot says so. A power cut leaves
// out any part of a batch, so there may be whole slots after a torn one.
func scanSlots(file *os.File, size int64, acknowledged uint64) (scanned, error) {
	count := uint64(size/unitLen - 1)
	if count < acknowledged {
		return scanned{}, &DamagedError{file.Name(), size - size%unitLen, fmt.Sprintf("the file ends here, after %d of %d keys", count, acknowledged)}
	}
	found := scanned{slots: uint32(count), live: make(map[uuid.UUID]uint32, count)}
	var tear error // why the first torn slot cannot be read
	r := bufio.NewReaderSize(io.NewSectionReader(file, unitLen, size-unitLen), 1<<20)
	unit := make([]byte, unitLen)
	for number := range uint32(count) {
		if _, err := io.ReadFull(r, unit); err != nil {
			return scanned{}, err
		}
		s, err := parseSlot(unit)
		if err == nil && s.before > number {
			err = fmt.Errorf("its batch had %d slots before it, the file has not", s.before)
		}
		if err == nil {
			acknowledged = max(acknowledged, uint64(number-s.before))
		}
		if tear != nil {
			continue // it will be cut, too
		}
		if unfinished(unit) {
			found.slots, tear = number, err
			continue
		}
		if err == nil {
			err = found.add(number, &s)
		}
		if err != nil {
			return scanned{}, &DamagedError{file.Name(), slotOffset(number), err.Error()}
		}
	}
	if uint64(found.slots) < acknowledged {
		return scanned{}, &DamagedError{file.Name(), slotOffset(found.slots), tear.Error()}
	}
	if end := slotOffset(found.slots); end < size {
		found.torn = tornTail{end, size - end}
	}
	return found, nil
}

func (f *scanned) add(number uint32, s *slot) error {
	if s.state == slotErased {
		return nil
	}
	if other, double := f.live[s.person]; double {
		return fmt.Errorf("slot %d has a key for the same person", other)
	}
	f.live[s.person] = number
	return nil
}

// keep cuts what is torn and makes the rest durable: a process that was killed
// left it in memory, and a sync that failed may have left it there as if it were
// on the disk. So what was not counted is written again.
func (f *scanned) keep(file *os.File, counted uint64) error {
	if f.torn.length > 0 {
		if err := file.Truncate(f.torn.offset); err != nil {
			return err
		}
	}
	from, to := slotOffset(uint32(counted)), slotOffset(f.slots)
	if _, err := io.Copy(io.NewOffsetWriter(file, from), io.NewSectionReader(file, from, to-from)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	_, err := file.WriteAt(appendHeader(nil, f.slots), 0)
	return err
}
