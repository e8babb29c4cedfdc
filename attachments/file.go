package attachments

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
)

// A kept file is
//
//	header 512 | content, AES-256-CTR under a key of its own | SHA-256 of all that, 32
//
// so that its size tells that of the content, damage shows without any key, and
// an upload can go on wherever it has stopped. Nothing else vouches for the
// content than the digest that it is asked by: whoever can write to the folder
// can make a file unreadable, and no other.
const (
	headerLen = 512
	sumLen    = sha256.Size
	mark      = "supportledger attachment 1 "
)

// header is what a file says of itself, in JSON after the mark, filled up with
// spaces to a line.
type header struct {
	Account    uuid.UUID `json:"account"`
	Type       string    `json:"type"`
	UploadedAt time.Time `json:"uploaded_at"`
	Box        []byte    `json:"box"` // the content's key, sealed under the account's
}

func (h *header) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	line := append([]byte(mark), text...)
	if len(line) >= headerLen {
		return nil, errors.New("the header is too long")
	}
	line = append(line, bytes.Repeat([]byte{' '}, headerLen-len(line))...)
	line[headerLen-1] = '\n'
	return line, nil
}

func readHeader(r io.Reader, path string) (h header, line []byte, err error) {
	line = make([]byte, headerLen)
	_, err = io.ReadFull(r, line)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return h, nil, &CorruptError{path, "it is shorter than a header"}
	}
	if err != nil {
		return h, nil, err
	}
	text, ok := bytes.CutPrefix(line, []byte(mark))
	if !ok || json.Unmarshal(bytes.TrimSpace(text), &h) != nil {
		return h, nil, &CorruptError{path, "its header cannot be read"}
	}
	return h, line, nil
}

// contentSize is what a file holds, by what it takes.
func contentSize(size int64) int64 { return size - headerLen - sumLen }

func newKey() *[32]byte {
	key := new([32]byte)
	rand.Read(key[:]) // never fails: the runtime stops the process first
	return key
}

// streamAt is the cipher from an offset of the content on. No two contents have
// the same key, so the counter may begin at 0.
func streamAt(key *[32]byte, offset int64) cipher.Stream {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	var counter [aes.BlockSize]byte
	for n, i := uint64(offset)/aes.BlockSize, len(counter)-1; n > 0; i, n = i-1, n>>8 {
		counter[i] = byte(n)
	}
	s := cipher.NewCTR(block, counter[:])
	skipped := make([]byte, offset%aes.BlockSize)
	s.XORKeyStream(skipped, skipped)
	return s
}

// A writer encrypts what is written to a file, and adds up both sides.
type writer struct {
	file    *os.File
	stream  cipher.Stream
	content hash.Hash // of the clear bytes
	all     hash.Hash // of the file's
	size    int64     // of the content
	buf     []byte
}

func newWriter(to *os.File, h *header, key *[32]byte) (*writer, error) {
	line, err := h.encode()
	if err != nil {
		return nil, err
	}
	w := &writer{file: to, stream: streamAt(key, 0), content: sha256.New(), all: sha256.New()}
	w.all.Write(line)
	_, err = to.Write(line)
	return w, err
}

func (w *writer) Write(p []byte) (int, error) {
	if cap(w.buf) < len(p) {
		w.buf = make([]byte, len(p))
	}
	sealed := w.buf[:len(p)]
	w.stream.XORKeyStream(sealed, p)
	w.content.Write(p)
	w.all.Write(sealed)
	w.size += int64(len(p))
	return w.file.Write(sealed)
}

// finish makes the file whole, and durable if it stays, and returns the content's
// digest.
func (w *writer) finish(stays bool) (digest [32]byte, err error) {
	if _, err = w.file.Write(w.all.Sum(nil)); err == nil && stays {
		err = w.file.Sync()
	}
	return [32]byte(w.content.Sum(nil)), err
}

// checkFile does what check does with a file on the disk.
func checkFile(path string, of file, key func(header) (*[32]byte, error), also io.Writer) error {
	in, size, err := openSized(path)
	if err != nil {
		return err
	}
	defer in.Close()
	return check(in, size, path, of, key, also)
}

// openSized opens a file, and says how many bytes it takes.
func openSized(path string) (in *os.File, size int64, err error) {
	if in, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, in.Close())
	}
	return in, info.Size(), nil
}

// check reads a whole file, which takes so many bytes, and holds it against its
// checksum; with a key, its content against its digest, too.
func check(in io.Reader, takes int64, path string, of file, key func(header) (*[32]byte, error), also io.Writer) error {
	h, line, err := readHeader(in, path)
	if err != nil {
		return err
	}
	size := contentSize(takes)
	switch {
	case size < 0:
		return &CorruptError{path, "it is shorter than a file can be"}
	case h.Account != of.account:
		return &CorruptError{path, "it is another account's"}
	}
	all, content := sha256.New(), sha256.New()
	to := io.MultiWriter(all, also)
	if _, err := to.Write(line); err != nil {
		return err
	}
	secret, err := key(h)
	if err != nil && !errors.Is(err, ErrErased) {
		return fmt.Errorf("open attachment %s: %w", path, err)
	}
	body := io.TeeReader(io.LimitReader(in, size), to)
	if secret != nil {
		body = cipher.StreamReader{S: streamAt(secret, 0), R: body}
	}
	if _, err := io.Copy(content, body); err != nil {
		return fmt.Errorf("read attachment %s: %w", path, err)
	}
	sum := make([]byte, sumLen)
	if _, err := io.ReadFull(in, sum); err != nil {
		return fmt.Errorf("read attachment %s: %w", path, err)
	}
	if !bytes.Equal(sum, all.Sum(nil)) {
		return &CorruptError{path, "it is not what was written"}
	}
	if secret != nil && hexOf([32]byte(content.Sum(nil))) != of.sha256 {
		return &CorruptError{path, "its content has another digest"}
	}
	_, err = also.Write(sum)
	return err
}
