// Package s3 keeps the objects of an attachments.Bucket in an S3-compatible store.
//
// What is relied on: the store is strongly consistent, acknowledges an object only
// when it is durable, and keeps to If-None-Match: * and If-Match when it writes. The
// last is tried by attachments.Bucket.
//
// Whatever does not answer, or not as it must, is objects.ErrUnavailable within
// bounded time. No value of this package, and no error, prints a credential.
package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/supportledger/supportledger/attachments/objects"
)

// Bounds of waiting.
const (
	answersIn  = 10 * time.Second // without a body
	standstill = 30 * time.Second // of a body
	slowest    = 64 << 10         // bytes a second, of what is written
	tries      = 3
	connectIn  = 5 * time.Second
)

// A Store is where a place's objects lie. It is an objects.Store.
type Store struct {
	place *Place
	core  minio.Core
}

// Open makes a store of a place. Nothing is asked of it yet.
func Open(p *Place) (*Store, error) {
	keys := credentials.NewChainCredentials(p.providers())
	found, err := keys.GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
	if err != nil || found.AccessKeyID == "" || found.SecretAccessKey == "" {
		return nil, fmt.Errorf("there are no credentials for %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with AWS_SHARED_CREDENTIALS_FILE, or with credentials= in the URL", p)
	}
	transport, err := p.transport()
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto // by the host's name at Amazon's, else in the path
	client, err := minio.New(p.endpoint.Host, &minio.Options{
		Creds: keys, Secure: p.endpoint.Scheme == "https", Transport: transport, Region: p.region, BucketLookup: lookup, MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	return &Store{p, minio.Core{Client: client}}, nil
}

func (s *Store) key(name string) string { return s.place.prefix + name }

// failed names an error for what it is.
func (s *Store) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	if r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket {
		return objects.ErrNone
	}
	if r.StatusCode == http.StatusPreconditionFailed || r.StatusCode == http.StatusConflict {
		return objects.ErrChanged
	}
	said := err.Error()
	if r.Code != "" {
		said = fmt.Sprintf("%s (%s)", r.Message, r.Code)
	}
	return fmt.Errorf("%s in %s: %w: %s", doing, s.place, objects.ErrUnavailable, said)
}

// Read implements objects.Store.
func (s *Store) Read(ctx context.Context, name string) (*objects.Object, error) {
	ctx, cancel := context.WithCancel(ctx)
	body := &steady{cancel: cancel, timer: time.AfterFunc(answersIn*tries, cancel), store: s, name: name}
	in, info, _, err := s.core.GetObject(ctx, s.place.bucket, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		body.stop()
		return nil, s.failed("read "+name, err)
	}
	body.in = in
	return &objects.Object{ReadCloser: body, Size: info.Size, Tag: info.ETag}, nil
}

// A steady body ends where nothing comes for too long.
type steady struct {
	in     io.ReadCloser
	cancel context.CancelFunc
	timer  *time.Timer
	store  *Store
	name   string
}

func (b *steady) Read(p []byte) (int, error) {
	b.timer.Reset(standstill)
	n, err := b.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, fmt.Errorf("read %s in %s: %w: %s", b.name, b.store.place, objects.ErrUnavailable, err.Error())
	}
	return n, err
}

func (b *steady) Close() error {
	err := b.in.Close()
	b.stop()
	return err
}

func (b *steady) stop() {
	b.timer.Stop()
	b.cancel()
}

// Write implements objects.Store. The store is told the body's digest, and
// refuses another one.
func (s *Store) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	ctx, cancel := context.WithTimeout(ctx, answersIn*tries+time.Duration(size/slowest)*time.Second)
	defer cancel()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	options := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableContentSha256: true}
	switch {
	case when.Absent:
		options.SetMatchETagExcept("*")
	case when.Tag != "":
		options.SetMatchETag(when.Tag)
	}
	_, err := s.core.PutObject(ctx, s.place.bucket, s.key(name), body, size, "", hex.EncodeToString(sum.Sum(nil)), options)
	err = s.failed("write "+name, err)
	if errors.Is(err, objects.ErrNone) && when.Tag != "" {
		return objects.ErrChanged // there is none any more
	}
	return err
}

// List implements objects.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		patience := time.AfterFunc(answersIn*tries, cancel)
		defer patience.Stop()
		for o := range s.core.ListObjectsIter(ctx, s.place.bucket, minio.ListObjectsOptions{Prefix: s.key(prefix), Recursive: true}) {
			patience.Stop() // whoever looks at a name may take his time
			if o.Err != nil {
				yield("", s.failed("list "+prefix, o.Err))
				return
			}
			if !yield(strings.TrimPrefix(o.Key, s.place.prefix), nil) {
				return
			}
			patience.Reset(answersIn * tries)
		}
		if err := ctx.Err(); err != nil {
			yield("", fmt.Errorf("list %s in %s: %w: %w", prefix, s.place, objects.ErrUnavailable, err))
		}
	}
}

// Remove implements objects.Store.
func (s *Store) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, answersIn*tries)
	defer cancel()
	err := s.failed("remove "+name, s.core.RemoveObject(ctx, s.place.bucket, s.key(name), minio.RemoveObjectOptions{}))
	if errors.Is(err, objects.ErrNone) {
		return nil
	}
	return err
}
