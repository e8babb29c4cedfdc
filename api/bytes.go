package api

import (
	"io"
	"net/http"
	"time"
)

// Files are not bounded by the time of other requests but by their own: as long
// as something moves, and at a pace that no line falls below.
const (
	// standstill is how long nothing may move.
	standstill = 20 * time.Second
	// slowest is how many bytes a second a file has to move on the whole.
	slowest = 4 << 10
)

// steady is a body that is taken as it comes.
func (a *API) steady(c *call) io.Reader {
	most := c.length
	if most < 0 {
		most = a.Catalog.Attachments.MaxBytes
	}
	return &steadyReader{c.upload, pace(c, most)}
}

// slowly is where a file is written as it is taken.
func (a *API) slowly(c *call, size int64) io.Writer { return &steadyWriter{c, pace(c, size)} }

func pace(c *call, size int64) *deadlines {
	return &deadlines{http.NewResponseController(c.ResponseWriter), time.Now().Add(standstill + time.Duration(size/slowest)*time.Second)}
}

// deadlines push a connection's deadlines on while something moves. Where there
// is no connection there are none.
type deadlines struct {
	wire *http.ResponseController
	last time.Time
}

func (d *deadlines) next() time.Time {
	next := time.Now().Add(standstill)
	if next.After(d.last) {
		return d.last
	}
	return next
}

type steadyReader struct {
	r io.Reader
	*deadlines
}

func (s *steadyReader) Read(p []byte) (int, error) {
	next := s.next()
	_ = s.wire.SetReadDeadline(next)
	_ = s.wire.SetWriteDeadline(next.Add(standstill)) // for the answer
	return s.r.Read(p)
}

type steadyWriter struct {
	w io.Writer
	*deadlines
}

func (s *steadyWriter) Write(p []byte) (int, error) {
	_ = s.wire.SetWriteDeadline(s.next())
	return s.w.Write(p)
}
