// Package objects is what attachments need of a store that nodes share. What holds
// is said by Store.
package objects

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Errors of a Store.
var (
	// ErrNone says that there is no object with this name.
	ErrNone = errors.New("there is no such object")
	// ErrChanged says that an object is not what it was to be: nothing was written.
	ErrChanged = errors.New("the object has changed meanwhile")
	// ErrUnavailable says that where the files lie cannot be reached now, or does
	// not answer as it must.
	ErrUnavailable = errors.New("the store of the files cannot be reached")
)

// A Store is where files and documents lie. What was written is seen
// by every Read and List that begins afterwards, whoever asks: it is strongly
// consistent. Any error may be ErrUnavailable, after which nobody knows whether
// what was asked for has happened.
type Store interface {
	// Read opens an object, or is ErrNone.
	Read(ctx context.Context, name string) (*Object, error)
	// Write keeps an object of so many bytes, which is durable when it returns, in
	// the place of one with the same name. It is there whole or not at all. With a
	// condition that does not hold nothing is written, and the error is ErrChanged.
	Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when Condition) error
	// List names the objects whose names begin with a prefix, in the order of their
	// bytes.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Remove removes an object, if there is one.
	Remove(ctx context.Context, name string) error
}

// An Object is being read.
type Object struct {
	io.ReadCloser
	Size int64
	Tag  string // of what it holds: other content has another one
}

// A Condition is what must hold for an object to be written; the zero value asks
// nothing.
type Condition struct {
	Absent bool   // there is none with this name
	Tag    string // there is one, with this tag
}
