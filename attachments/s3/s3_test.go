package s3

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/attachments/objects"
	"github.com/supportledger/supportledger/internal/s3server"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, url string) *Store {
	t.Helper()
	place, err := Parse(url)
	must(t, err)
	s, err := Open(place)
	must(t, err)
	return s
}

func write(t *testing.T, s *Store, name, content string, when objects.Condition) error {
	t.Helper()
	return s.Write(t.Context(), name, strings.NewReader(content), int64(len(content)), when)
}

func read(t *testing.T, s *Store, name string) (content, tag string, err error) {
	t.Helper()
	o, err := s.Read(t.Context(), name)
	if err != nil {
		return "", "", err
	}
	body, err := io.ReadAll(o)
	if err == nil && int64(len(body)) != o.Size {
		t.Errorf("%s has %d bytes, and was to have %d", name, len(body), o.Size)
	}
	return string(body), o.Tag, errors.Join(err, o.Close())
}

// What is written is read, listed and removed; in a folder of the bucket nobody
// sees another folder.
func TestAStoreKeepsObjects(t *testing.T) {
	server := s3server.Start(t)
	s, other := open(t, server.URL("one/of/us")), open(t, server.URL("two"))
	must(t, write(t, other, "a/x", "another's", objects.Condition{}))
	for _, name := range []string{"b/2", "a/1", "a/2"} {
		must(t, write(t, s, name, "content of "+name, objects.Condition{}))
	}
	must(t, write(t, s, "a/1", "", objects.Condition{}))
	if got, _, err := read(t, s, "a/1"); err != nil || got != "" {
		t.Errorf("written anew it is %q (%v)", got, err)
	}
	if got, _, err := read(t, s, "a/2"); err != nil || got != "content of a/2" {
		t.Errorf("it is %q (%v)", got, err)
	}
	for prefix, want := range map[string]string{"": "a/1 a/2 b/2", "a/": "a/1 a/2", "c": ""} {
		var names []string
		for name, err := range s.List(t.Context(), prefix) {
			must(t, err)
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("with the prefix %q there are %q, want %q", prefix, got, want)
		}
	}
	must(t, s.Remove(t.Context(), "a/2"))
	must(t, s.Remove(t.Context(), "a/2"))
	if _, _, err := read(t, s, "a/2"); !errors.Is(err, objects.ErrNone) {
		t.Errorf("what was removed: %v", err)
	}
}

func TestAStoreKeepsToConditions(t *testing.T) {
	s := open(t, s3server.Start(t).URL(""))
	absent := objects.Condition{Absent: true}
	must(t, write(t, s, "x", "one", absent))
	if err := write(t, s, "x", "two", absent); !errors.Is(err, objects.ErrChanged) {
		t.Errorf("where there is one: %v", err)
	}
	_, tag, err := read(t, s, "x")
	must(t, err)
	must(t, write(t, s, "x", "two", objects.Condition{Tag: tag}))
	if err := write(t, s, "x", "three", objects.Condition{Tag: tag}); !errors.Is(err, objects.ErrChanged) {
		t.Errorf("where it has changed: %v", err)
	}
	must(t, s.Remove(t.Context(), "x"))
	if err := write(t, s, "x", "three", objects.Condition{Tag: tag}); !errors.Is(err, objects.ErrChanged) {
		t.Errorf("where there is none any more: %v", err)
	}
}

// A store that is away, or lets us not in, is unavailable, and no error tells a
// secret.
func TestAStoreThatCannotBeUsed(t *testing.T) {
	server := s3server.Start(t)
	s := open(t, server.URL(""))
	unavailable := func(what string, s *Store) {
		t.Helper()
		_, _, err := read(t, s, "x")
		errs := []error{err, write(t, s, "x", "x", objects.Condition{}), s.Remove(t.Context(), "x")}
		for _, err := range s.List(t.Context(), "") {
			errs = append(errs, err)
		}
		if len(errs) != 4 {
			t.Errorf("%s: it can be listed", what)
		}
		for _, err := range errs {
			if !errors.Is(err, objects.ErrUnavailable) || strings.Contains(err.Error(), s3server.Secret) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	server.Leave()
	unavailable("away", s)
	server.Return()
	must(t, write(t, s, "x", "x", objects.Condition{}))
	unavailable("no such bucket", open(t, strings.Replace(server.URL(""), s3server.Bucket, "elsewhere", 1)))
	t.Setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
	unavailable("another key", open(t, server.URL("")))
}

// A body that does not come whole is the store's fault, and not the file's.
func TestABodyThatIsCut(t *testing.T) {
	s3server.Start(t) // for the credentials
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 09:00:00 GMT")
		_, _ = w.Write([]byte("the beginning"))
	}))
	t.Cleanup(server.Close)
	s := open(t, "s3://bucket?endpoint="+server.URL)
	if _, _, err := read(t, s, "x"); !errors.Is(err, objects.ErrUnavailable) {
		t.Errorf("a body that was cut: %v", err)
	}
}

func TestAStoreIsKnownByItsCertificate(t *testing.T) {
	store := s3server.Start(t)
	server := httptest.NewTLSServer(store.Handler())
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	url := "s3://" + s3server.Bucket + "?endpoint=" + server.URL
	must(t, write(t, open(t, url+"&ca="+ca), "x", "over TLS", objects.Condition{}))
	if err := write(t, open(t, url), "x", "y", objects.Condition{}); !errors.Is(err, objects.ErrUnavailable) {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
	must(t, os.WriteFile(ca, []byte("none"), 0o600))
	place, err := Parse(url + "&ca=" + ca)
	must(t, err)
	if _, err := Open(place); err == nil || !strings.Contains(err.Error(), "ca=") {
		t.Errorf("a file without certificates: %v", err)
	}
}

// The credentials come from the file that the URL names, or else from the
// environment or the usual file, and without any nothing is opened.
func TestWhereCredentialsComeFrom(t *testing.T) {
	server := s3server.Start(t)
	file := filepath.Join(t.TempDir(), "credentials")
	must(t, os.WriteFile(file, []byte("[default]\naws_access_key_id = "+s3server.Key+"\naws_secret_access_key = "+s3server.Secret+"\n"), 0o600))
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	place, err := Parse(server.URL(""))
	must(t, err)
	if _, err := Open(place); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("without credentials: %v", err)
	}
	must(t, write(t, open(t, server.URL("")+"&credentials="+file), "x", "x", objects.Condition{}))
	t.Setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "else")
	if err := write(t, open(t, server.URL("")+"&credentials="+file), "x", "y", objects.Condition{}); err != nil {
		t.Errorf("the environment takes the place of the file that the URL names: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	must(t, write(t, open(t, server.URL("")), "x", "x", objects.Condition{}))
}

func TestWhatAPlaceMustBe(t *testing.T) {
	for text, want := range map[string]string{
		"s3://files": "s3://files at https://s3.amazonaws.com",
		"s3://files/of/ledger/?region=eu-central-1":             "s3://files/of/ledger at https://s3.amazonaws.com",
		"s3://files/x?endpoint=https://s3.example.com:9000":     "s3://files/x at https://s3.example.com:9000",
		"s3://files?endpoint=http://127.0.0.1:9000":             "s3://files at http://127.0.0.1:9000",
		"s3://files?endpoint=http://[::1]:9000&credentials=/x":  "s3://files at http://[::1]:9000",
		"s3://files?endpoint=http://s3:9000&plaintext=allowed":  "s3://files at http://s3:9000",
		"s3://files?endpoint=http://s3:9000":                    "!https://",
		"s3://files?endpoint=http://s3:9000&plaintext=yes":      "!plaintext=",
		"s3://files?endpoint=s3.example.com":                    "!endpoint=",
		"s3://files?endpoint=https://s3.example.com/files":      "!endpoint=",
		"s3://files?endpoint=https://me:hunter2@s3.example.com": "!endpoint=",
		"s3://files?endpoint=https://a&endpoint=https://b":      "!endpoint",
		"s3://files?reigon=eu-central-1":                        "!reigon",
		"s3://me:hunter2@files":                                 "!AWS_ACCESS_KEY_ID",
		"https://files.s3.amazonaws.com":                        "!s3://BUCKET",
		"s3:files":                                              "!s3://BUCKET",
		"":                                                      "!s3://BUCKET",
		"s3://files?%zz":                                        "!parameters",
	} {
		place, err := Parse(text)
		word, refused := strings.CutPrefix(want, "!")
		switch {
		case refused && (err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%q is refused with %v, want a word of %q", text, err, word)
		case !refused && (err != nil || place.String() != want):
			t.Errorf("%q is %v (%v), want %s", text, place, err, want)
		}
	}
}
