package transfer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/supportledger/supportledger/sheet"
)

// csvRows reads CSV with a header, whose names are those of the fields, in any
// order. Where the header has semicolons and no commas, semicolons separate:
// spreadsheets write so in countries where a comma stands in numbers.
type csvRows struct {
	r       *csv.Reader
	names   []string
	mistake func(Mistake)
}

func newCSVRows(in *bufio.Reader, mistake func(Mistake)) (rows, error) {
	c := &csvRows{r: csv.NewReader(in), mistake: mistake}
	c.r.FieldsPerRecord = -1
	head, _ := in.Peek(4096)
	if line, _, _ := bytes.Cut(head, []byte("\n")); bytes.ContainsRune(line, ';') && !bytes.ContainsRune(line, ',') {
		c.r.Comma = ';'
	}
	names, err := c.r.Read()
	switch {
	case errors.Is(err, io.EOF):
		mistake(Mistake{1, 1, "", "the file is empty", "begin with a line of the fields' names"})
		return noRows{}, nil
	case err != nil:
		if !c.unreadable(err) {
			return nil, err
		}
		return noRows{}, nil
	}
	right := true
	seen := map[string]bool{}
	for i, name := range names {
		line, column := c.r.FieldPos(i)
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case fieldOf(name) == nil:
			right = false
			mistake(Mistake{line, column, "", "no field has the name of this column", "name columns " + fieldNames()})
		case seen[name]:
			right = false
			mistake(Mistake{line, column, name, "is there twice", "remove one of the columns"})
		}
		seen[name] = true
		c.names = append(c.names, name)
	}
	if !right { // nothing can be said of the rows
		return noRows{}, nil
	}
	return c, nil
}

// noRows is a file of which nothing can be read.
type noRows struct{}

func (noRows) next() (*row, error) { return nil, io.EOF }

func (c *csvRows) next() (*row, error) {
	for {
		values, err := c.r.Read()
		if err != nil {
			if c.unreadable(err) {
				continue
			}
			return nil, err
		}
		line, _ := c.r.FieldPos(0)
		if len(values) != len(c.names) {
			last := len(values) - 1
			at, column := c.r.FieldPos(min(last, len(c.names)))
			c.mistake(Mistake{at, column, "", fmt.Sprintf("the row has %d fields, and the header %d", len(values), len(c.names)),
				"put texts with commas or quotes into quotes"})
			continue
		}
		r := &row{line: line, cells: make(map[string]cell, len(values))}
		for i, value := range values {
			at, column := c.r.FieldPos(i)
			r.cells[c.names[i]] = cell{sheet.Unescape(strings.TrimSpace(value)), at, column}
		}
		return r, nil
	}
}

// unreadable reports what is no CSV.
func (c *csvRows) unreadable(err error) bool {
	var wrong *csv.ParseError
	if !errors.As(err, &wrong) {
		return false
	}
	reason := "cannot be read as CSV"
	switch {
	case errors.Is(wrong.Err, csv.ErrBareQuote):
		reason = "a quote stands within a text that does not begin with one"
	case errors.Is(wrong.Err, csv.ErrQuote):
		reason = "a quoted text does not end where the field does"
	}
	c.mistake(Mistake{wrong.Line, wrong.Column, "", reason, "write a quote within quotes twice"})
	return true
}
