package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// jsonRows reads JSON Lines: an object on each line, of texts; remaining may be a
// number. Empty lines count as lines and are no rows.
type jsonRows struct {
	r       *bufio.Reader
	line    int
	mistake func(Mistake)
}

// longest is how long a line may be, in bytes.
const longest = 64 << 10

func (j *jsonRows) next() (*row, error) {
	for {
		text, err := j.read()
		if err != nil {
			return nil, err
		}
		j.line++
		if len(text) > longest {
			j.wrong(longest, "", "the line is longer than 65536 bytes", "write one object on each line")
			continue
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if r := j.parse(text); r != nil {
			return r, nil
		}
	}
}

// read reads a line, of one that is too long the beginning.
func (j *jsonRows) read() (text []byte, err error) {
	for {
		part, prefix, err := j.r.ReadLine()
		if err != nil {
			return nil, err
		}
		if len(text) <= longest {
			text = append(text, part...)
		}
		if !prefix {
			return text, nil
		}
	}
}

func (j *jsonRows) wrong(offset int, field, reason, hint string) {
	j.mistake(Mistake{j.line, offset + 1, field, reason, hint})
}

// parse reads a line; nil where it has a mistake of form.
func (j *jsonRows) parse(text []byte) *row {
	p := &objectReader{jsonRows: j, text: text, dec: json.NewDecoder(bytes.NewReader(text)), right: true}
	p.dec.UseNumber()
	r := &row{line: j.line, cells: map[string]cell{}}
	if !utf8.Valid(text) {
		j.wrong(0, "", "the line is not UTF-8", "save the file as UTF-8")
		return nil
	}
	at := p.start()
	open, err := p.dec.Token()
	if err != nil {
		p.malformed(err)
		return nil
	}
	if open != json.Delim('{') {
		j.wrong(at, "", "the line is no JSON object", `write {"record": "contract", ...}`)
		return nil
	}
	for p.dec.More() {
		if !p.member(r) {
			return nil
		}
	}
	if _, err := p.dec.Token(); err != nil {
		p.malformed(err)
		return nil
	}
	if at := p.start(); at < len(text) {
		j.wrong(at, "", "something follows the object", "write one object on each line")
		return nil
	}
	if !p.right {
		return nil
	}
	return r
}

// An objectReader reads the members of one object.
type objectReader struct {
	*jsonRows
	text  []byte
	dec   *json.Decoder
	right bool
}

// start is where the next token begins.
func (p *objectReader) start() int {
	at := int(p.dec.InputOffset())
	for at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[at]) >= 0 {
		at++
	}
	return at
}

// member reads a member, and says whether reading can go on.
func (p *objectReader) member(r *row) bool {
	at := p.start()
	token, err := p.dec.Token()
	name, _ := token.(string)
	if err != nil {
		p.malformed(err)
		return false
	}
	begins := p.start()
	var raw json.RawMessage
	if err := p.dec.Decode(&raw); err != nil {
		p.malformed(err)
		return false
	}
	if fieldOf(name) == nil {
		p.not(at, "", "no field has this name", "name members "+fieldNames())
		return true
	}
	if _, twice := r.cells[name]; twice {
		p.not(at, name, "is there twice", "remove one of them")
		return true
	}
	c := cell{line: p.line, column: begins + 1}
	switch raw[0] {
	case '"':
		if err := json.Unmarshal(raw, &c.text); err != nil {
			p.not(begins, name, "cannot be read as a text", "")
		}
	case 'n': // null
	case '{', '[', 't', 'f':
		p.not(begins, name, "must be a text", "put it into quotes")
	default:
		if name != "remaining" && !fieldOf(name).told {
			p.not(begins, name, "must be a text, not a number: every digit counts", "put it into quotes")
		}
		c.text = string(raw)
	}
	r.cells[name] = c
	return true
}

// not notes a mistake behind which reading goes on.
func (p *objectReader) not(at int, field, reason, hint string) {
	p.right = false
	p.wrong(at, field, reason, hint)
}

func (p *objectReader) malformed(err error) {
	if !p.right {
		return // something is wrong with the line already, perhaps with this very place
	}
	at := int(p.dec.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = max(int(syntax.Offset)-1, 0)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at = len(p.text)
	}
	p.wrong(at, "", "is not JSON", "write one whole JSON object on each line")
}
