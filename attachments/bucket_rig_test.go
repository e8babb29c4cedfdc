package attachments

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
	"github.com/supportledger/supportledger/attachments/s3"
	"github.com/supportledger/supportledger/internal/s3server"
)

// onStore is a bucket in a store that others may share.
type onStore struct {
	*Bucket
	store objects.Store
}

// storeEnv names a store to test with in place of the one in this process, an empty
// folder of it: s3://..., with its credentials in the environment.
const storeEnv = "SUPPORTLEDGER_TEST_S3"

// newStore is an empty store.
func newStore(t testing.TB) objects.Store {
	t.Helper()
	url := os.Getenv(storeEnv)
	if url == "" {
		url = s3server.Start(t).URL("")
	}
	url = strings.Replace(url, "?", uuid.NewString()+"?", 1)
	place, err := s3.Parse(url)
	must(t, err)
	store, err := s3.Open(place)
	must(t, err)
	return store
}

func newOnStore(t testing.TB) *onStore { return &onStore{store: newStore(t)} }

func (s *onStore) open(t testing.TB, c Config) (Shelf, *intake) {
	t.Helper()
	var err error
	s.Bucket, err = OpenBucket(c, s.store)
	must(t, err)
	if err := s.Try(t.Context()); !errors.Is(err, ErrUnavailable) {
		must(t, err)
	}
	return s.Bucket, &s.intake
}

func (s *onStore) content(t testing.TB, name string) []byte {
	t.Helper()
	o, err := s.store.Read(t.Context(), name)
	must(t, err)
	defer o.Close()
	body, err := io.ReadAll(o)
	must(t, err)
	return body
}

func (s *onStore) document(t testing.TB, account uuid.UUID) *holdings {
	t.Helper()
	h, _, err := s.read(t.Context(), account)
	must(t, err)
	return h
}

func (s *onStore) raw(t testing.TB, of file) []byte {
	t.Helper()
	return s.content(t, s.document(t, of.account).Files[of.sha256].Object)
}

func (s *onStore) spoil(t testing.TB, of file, body []byte) {
	t.Helper()
	name := s.document(t, of.account).Files[of.sha256].Object
	if body == nil {
		must(t, s.store.Remove(t.Context(), name))
		return
	}
	must(t, s.store.Write(t.Context(), name, bytes.NewReader(body), int64(len(body)), objects.Condition{}))
}

func (s *onStore) left(t testing.TB) map[string][]byte {
	t.Helper()
	left := map[string][]byte{}
	for name, err := range s.store.List(t.Context(), "") {
		must(t, err)
		if !strings.HasSuffix(name, documentName) {
			left[name] = s.content(t, name)
		}
	}
	return left
}

func (s *onStore) used(t testing.TB, account uuid.UUID) int64 {
	t.Helper()
	return s.document(t, account).used()
}

func (s *onStore) claimed(t testing.TB) int {
	t.Helper()
	return len(s.document(t, ani).Claims) + len(s.document(t, budi).Claims)
}

func (s *onStore) rubbish(t testing.TB, _ uuid.UUID) {
	t.Helper()
	must(t, s.store.Write(t.Context(), newObject(ani, partPrefix), strings.NewReader("rubbish"), 7, objects.Condition{}))
}

func (s *onStore) partsName(uuid.UUID) string { return "" }
