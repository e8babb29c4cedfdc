package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/durably"
)

// A Transport takes messages to where they are delivered.
type Transport interface {
	// Send delivers a message. When it returns nil, the message is durable where
	// it went, or a server has taken responsibility for it. An error is an *Error,
	// whose cause is the context's if that ended. A message whose sending failed may have been
	// delivered all the same: it has the same Message-ID when it is sent again.
	Send(ctx context.Context, m *Message) error
	// Close lets go of what Send holds; nothing is sent afterwards.
	Close() error
}

// Folder delivers, several letters at once, into a folder of .eml files, one for each letter, that their
// owner alone may read.
type Folder struct {
	path  string
	turns [turns]sync.Mutex // of letters, by the last byte of their ids: a letter is written by one at a time
	names gathering
}

// turns is how many letters are written at once at most: the disk syncs many in
// little more time than one.
const turns = 64

// half is at the end of the name of a file that is being written.
const half = ".half"

// OpenFolder makes the folder "mail" in a ledger's folder, and removes what a
// crash left half written in it.
func OpenFolder(ledger string) (*Folder, error) {
	f := &Folder{path: filepath.Join(ledger, "mail")}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of letters: %w", err)
	}
	if err := os.Chmod(f.path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of letters private: %w", err)
	}
	if err := durably.Names(ledger); err != nil {
		return nil, fmt.Errorf("make folder of letters: %w", err)
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, fmt.Errorf("read folder of letters: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), half) {
			continue
		}
		if err := os.Remove(filepath.Join(f.path, entry.Name())); err != nil {
			return nil, fmt.Errorf("remove letter that was half written: %w", err)
		}
	}
	return f, nil
}

// Send implements Transport: the file appears complete and durable, in place of
// an earlier one of the same letter.
func (f *Folder) Send(ctx context.Context, m *Message) error {
	turn := &f.turns[m.ID[len(m.ID)-1]%turns]
	turn.Lock()
	defer turn.Unlock()
	if ctx.Err() != nil {
		return &Error{Verdict: Passing, Step: "write letter to folder", Cause: context.Cause(ctx)}
	}
	path := filepath.Join(f.path, m.ID.String()+".eml")
	if err := f.place(path, m.content); err != nil {
		return &Error{Verdict: Passing, Step: "write letter to folder", Cause: err}
	}
	return nil
}

// Forget removes a letter, if it lies in the folder: its recipient was forgotten
// (R47). That is durable when it returns.
func (f *Folder) Forget(letter uuid.UUID) error {
	turn := &f.turns[letter[len(letter)-1]%turns]
	turn.Lock()
	defer turn.Unlock()
	err := os.Remove(filepath.Join(f.path, letter.String()+".eml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.names.do(func() error { return durably.Names(f.path) })
	}
	if err != nil {
		return fmt.Errorf("remove letter from folder: %w", err)
	}
	return nil
}

func (f *Folder) place(path string, content []byte) error {
	if err := writeDurably(path+half, content); err != nil {
		return errors.Join(err, remove(path+half))
	}
	if err := os.Rename(path+half, path); err != nil {
		return errors.Join(err, remove(path+half))
	}
	return f.names.do(func() error { return durably.Names(f.path) })
}

// A gathering lets many wait for one act together: each for one that begins after
// it came.
type gathering struct {
	mu   sync.Mutex
	next *round     // that has not begun; nil for none
	turn sync.Mutex // held by the one that is under way
}

type round struct {
	over chan struct{}
	err  error
}

func (g *gathering) do(act func() error) error {
	g.mu.Lock()
	r := g.next
	if r != nil {
		g.mu.Unlock()
		<-r.over
		return r.err
	}
	r = &round{over: make(chan struct{})}
	g.next = r
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	g.next = nil
	g.mu.Unlock()
	defer close(r.over)
	r.err = act()
	return r.err
}

// writeDurably makes a new private file, in place of one that a crash left.
func writeDurably(path string, content []byte) error {
	if err := remove(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// remove removes a file that need not be there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close implements Transport.
func (f *Folder) Close() error { return nil }
