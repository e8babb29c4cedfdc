package vault

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func privateFile(t *testing.T, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "private")
	must(t, os.WriteFile(path, body, 0o600))
	return path
}

// wantNothingBeside looks for what an atomic write might leave in the folder.
func wantNothingBeside(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// person returns the n-th of many ids that differ.
func person(n int) uuid.UUID {
	var name [8]byte
	binary.BigEndian.PutUint64(name[:], uint64(n))
	return uuid.NewSHA1(uuid.NameSpaceOID, name[:])
}

// fixedKeys are the same in every run.
func fixedKeys(fill byte) *Keys {
	secret := make([]byte, secretLen)
	for i := range secret {
		secret[i] = fill
	}
	return newKeys(secret, []encryptionKey{generateEncryptionKey()})
}
