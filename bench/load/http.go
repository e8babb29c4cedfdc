package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// HTTP describes submissions to one server, each with an Idempotency-Key of its
// own, for targets picked at random.
type HTTP struct {
	Addr    string // host:port
	Run     string // goes into every key; another one for every load on the same data
	Wording Wording
	Targets []Target
}

// Callers opens n connections that stay open, one per caller. Ending ctx closes
// them; so does the function that is returned.
func (h HTTP) Callers(ctx context.Context, n int) ([]Caller, func(), error) {
	if len(h.Targets) == 0 {
		return nil, nil, errors.New("open connections: no targets to submit for")
	}
	var conns []net.Conn
	shut := func() {
		for _, c := range conns {
			c.Close()
		}
	}
	callers := make([]Caller, 0, n)
	for i := range n {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", h.Addr)
		if err != nil {
			shut()
			return nil, nil, fmt.Errorf("open connection %d: %w", i, err)
		}
		conns = append(conns, c)
		callers = append(callers, h.caller(c, i))
	}
	stop := context.AfterFunc(ctx, shut)
	return callers, func() { stop(); shut() }, nil
}

// caller returns the Caller of one connection.
func (h HTTP) caller(c net.Conn, i int) Caller {
	w := newWriter(h, i)
	r := reader{conn: c, buf: make([]byte, 0, 16<<10)}
	pick := rand.New(rand.NewPCG(uint64(i), 0x5eed))
	return func(context.Context) (uint64, error) {
		if _, err := c.Write(w.request(h.Targets[pick.IntN(len(h.Targets))])); err != nil {
			return 0, fmt.Errorf("send submission: %w", err)
		}
		status, body, err := r.response()
		if err != nil {
			return 0, fmt.Errorf("read answer: %w", err)
		}
		if status != 201 {
			return 0, fmt.Errorf("submission was answered %d: %.300s", status, body)
		}
		return incidentNumber(body)
	}
}

// writer puts requests together from parts that were rendered before.
type writer struct {
	buf                []byte
	head, middle, body []byte // before the token, between key and body, the body's first half
	tail               []byte // the body's second half
	key                []byte // before the sequence number
	sequence           int64
}

// keyDigits is how many digits of a key count the requests of one connection.
const keyDigits = 10

func newWriter(h HTTP, i int) *writer {
	before, after := h.Wording.halves()
	return &writer{
		head: fmt.Appendf(nil, "POST /v1/incidents HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: application/json\r\nAuthorization: Bearer ", h.Addr),
		key:    fmt.Appendf(nil, "\r\nIdempotency-Key: %s-%04d-", h.Run, i),
		middle: fmt.Appendf(nil, "\r\nContent-Length: %d\r\n\r\n", len(before)+len(nobody)+len(after)),
		body:   before,
		tail:   after,
	}
}

// request renders the next request. It is good until the next call.
func (w *writer) request(t Target) []byte {
	b := append(w.buf[:0], w.head...)
	b = append(b, t.Token...)
	b = append(b, w.key...)
	w.sequence++
	b = appendDigits(b, w.sequence)
	b = append(b, w.middle...)
	b = append(b, w.body...)
	b = append(b, t.Contract...)
	w.buf = append(b, w.tail...)
	return w.buf
}

// appendDigits appends n with exactly keyDigits digits.
func appendDigits(b []byte, n int64) []byte {
	b = append(b, "0000000000"[:keyDigits]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// reader reads the answers of one connection, one outstanding at a time.
type reader struct {
	conn net.Conn
	buf  []byte
}

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	lastChunk     = []byte("0\r\n\r\n")
	numberMember  = []byte(`"number":"`)
)

// response reads one whole answer. The body, of a chunked answer as it came, is
// good until the next call.
func (r *reader) response() (status int, body []byte, err error) {
	r.buf = r.buf[:0]
	end := -1
	for end < 0 {
		if err := r.more(); err != nil {
			return 0, nil, err
		}
		end = bytes.Index(r.buf, headEnd)
	}
	if len(r.buf) < 12 || !bytes.HasPrefix(r.buf, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("not an HTTP/1.1 answer: %.60q", r.buf)
	}
	if status, err = strconv.Atoi(string(r.buf[9:12])); err != nil {
		return 0, nil, fmt.Errorf("read status: %w", err)
	}
	start := end + len(headEnd)
	length, err := bodyLength(r.buf[:end+2])
	if err != nil {
		return 0, nil, err
	}
	for !complete(r.buf[start:], length) {
		if err := r.more(); err != nil {
			return 0, nil, err
		}
	}
	return status, r.buf[start:], nil
}

// chunked stands for the length of a body that tells its end itself.
const chunked = -1

// bodyLength finds the length of the body in an answer's head.
func bodyLength(head []byte) (int, error) {
	_, rest, found := bytes.Cut(head, contentLength)
	if !found {
		return chunked, nil
	}
	digits, _, _ := bytes.Cut(rest, []byte("\r"))
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0, fmt.Errorf("read content length: %w", err)
	}
	return n, nil
}

// complete says whether all of a body has been read.
func complete(body []byte, length int) bool {
	if length == chunked {
		return bytes.HasSuffix(body, lastChunk)
	}
	return len(body) >= length
}

// more reads what has come, at least one byte.
func (r *reader) more() error {
	if len(r.buf) == cap(r.buf) {
		r.buf = append(r.buf, 0)[:len(r.buf)]
	}
	n, err := r.conn.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// incidentNumber finds the number in an incident's JSON.
func incidentNumber(body []byte) (uint64, error) {
	i := bytes.Index(body, numberMember)
	if i < 0 {
		return 0, fmt.Errorf("the answer names no incident: %.300s", body)
	}
	return Number(body[i+len(numberMember):])
}

// Number turns an incident's number into an integer. Text may follow the
// digits after a quote.
func Number[T string | []byte](text T) (uint64, error) {
	var n uint64
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '"':
			return n, nil
		case c >= '0' && c <= '9':
			n = n*10 + uint64(c-'0')
		case c != '-':
			return 0, fmt.Errorf("read incident number: %.40q is not one", text)
		}
	}
	return n, nil
}
