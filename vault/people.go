package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// People keeps one key per person (R47), outside the log and its backups. Its
// implementations differ in where the keys lie; all keep the package's promises.
type People interface {
	// Seal puts a text into a box that only this person's key opens. The first
	// text of a person, or the first after an erasure, makes a key, which is
	// durable when Seal returns. A box is 36 bytes longer than its text.
	Seal(ctx context.Context, person uuid.UUID, text []byte) (box []byte, err error)

	// Open returns the text in a box, or ErrErased where the key that sealed it
	// is gone. Any other error means a damaged box or key, or another person's.
	Open(ctx context.Context, person uuid.UUID, box []byte) (text []byte, err error)

	// Keys returns the ids of the keys that the person has now: what an erasure
	// records before it erases them.
	Keys(ctx context.Context, person uuid.UUID) ([]KeyID, error)

	// Erase destroys every key that the person has and returns their ids. When it
	// returns without an error the keys are gone for good.
	Erase(ctx context.Context, person uuid.UUID) ([]KeyID, error)

	// EraseKeys destroys those of the person's keys that ids names, and no newer
	// one. Asking again, or for keys that never were, is no error: so whoever
	// starts repeats the erasures that the log records.
	EraseKeys(ctx context.Context, person uuid.UUID, ids []KeyID) error
}

// ErrErased says that a text is gone for good: the key that sealed it was erased.
var ErrErased = errors.New("the person's key was erased")

// ErrFull says that there is no room for another person's key; nothing was made.
// Once there is room, asking again makes it.
var ErrFull = errors.New("there is no room for a person's key")

// ErrFailed says that keys can no longer be made or erased: writing or syncing
// one failed. The process should end; what the disk holds decides at the restart.
var ErrFailed = errors.New("the keys of people can no longer be written")

// ErrClosed says that the keys were closed before they were asked.
var ErrClosed = errors.New("the keys of people are closed")

// openWith opens a box with the person's key, if it is the one that sealed it.
func openWith(person uuid.UUID, box []byte, find func() (*readyKey, error)) ([]byte, error) {
	if len(box) < boxOverhead {
		return nil, fmt.Errorf("open box of person %s: want at least %d bytes, got %d", person, boxOverhead, len(box))
	}
	key, err := find()
	if err == nil && key.id != KeyID(box) {
		err = ErrErased
	}
	if err != nil {
		return nil, fmt.Errorf("open box of person %s: %w", person, err)
	}
	text, err := openBox(key.aead, person, box)
	if err != nil {
		return nil, fmt.Errorf("open box of person %s: %w", person, err)
	}
	return text, nil
}
