package transfer

import (
	"bufio"
	"errors"
	"io"
)

// A row is one record of a file, as it is written there.
type row struct {
	line  int
	cells map[string]cell
}

// A cell is a value and where it stands.
type cell struct {
	text         string
	line, column int
}

// at is where to look for a field; the row's beginning where it has none.
func (r *row) at(field string) cell {
	if c, ok := r.cells[field]; ok {
		return c
	}
	return cell{line: r.line, column: 1}
}

func (r *row) text(field string) string { return r.cells[field].text }

func (r *row) record() Record {
	if text := r.text("record"); text != "" {
		return Record(text)
	}
	return Contract
}

// rows reads a file row by row. What cannot be read is a mistake; next goes on
// behind it, and returns io.EOF at the end.
type rows interface {
	next() (*row, error)
}

// open begins to read a file. seen says how much of it was read.
func (f File) open(mistake func(Mistake)) (all rows, seen func() int64, close func() error, err error) {
	file, err := f.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	counted := &counter{r: file}
	buffered := bufio.NewReaderSize(counted, 64<<10)
	if start, _ := buffered.Peek(3); string(start) == "\ufeff" { // a byte order mark
		_, _ = buffered.Discard(3)
	}
	if f.Format == JSONL {
		all = &jsonRows{r: buffered, mistake: mistake}
	} else {
		all, err = newCSVRows(buffered, mistake)
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, file.Close())
	}
	return all, func() int64 { return counted.n }, file.Close, nil
}

// A counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
