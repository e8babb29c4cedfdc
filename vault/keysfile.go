package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/supportledger/supportledger/internal/durably"
)

// keysJSON is a keys file.
type keysJSON struct {
	Naming     keyJSON   `json:"naming"`
	Encryption []keyJSON `json:"encryption"` // oldest first
}

type keyJSON struct {
	ID      string     `json:"id"`
	Key     string     `json:"key"` // base64
	Created *time.Time `json:"created,omitempty"`
}

// Load reads a keys file. It refuses one that others may read, and one in which
// a key does not have the id written beside it. An error names the file and the
// field, never its content; a missing file is fs.ErrNotExist.
func Load(path string) (*Keys, error) {
	body, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	keys, err := parseKeys(body)
	if err != nil {
		return nil, fmt.Errorf("load keys: file %s: %w", path, err)
	}
	return keys, nil
}

// Write puts the keys into a file that only its owner may read, all at once:
// durable when it returns, and never half. It refuses to replace a file that
// holds another naming key or an encryption key that k lacks.
func (k *Keys) Write(path string) error {
	switch old, err := Load(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("write keys: look at what is there: %w", err)
	default:
		if err := k.Fits(old.Check()); err != nil {
			return fmt.Errorf("write keys: file %s would lose a key: %w", path, err)
		}
	}
	if err := writeJSON(path, k.file()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// Bind ties a data folder to the keys by the file at path: the first time it
// writes their Check there, afterwards it says whether the keys fit, and adds
// encryption keys that are new. Call it before anything is sealed.
func (k *Keys) Bind(path string) error {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeJSON(path, k.Check())
	}
	if err != nil {
		return fmt.Errorf("bind keys: %w", err)
	}
	var old Check
	if err := unmarshalStrictly(body, &old); err != nil {
		return fmt.Errorf("bind keys: file %s: %w", path, err)
	}
	if err := k.Fits(old); err != nil {
		return fmt.Errorf("bind keys: file %s: %w", path, err)
	}
	if slices.Equal(old.Encryption, k.Check().Encryption) {
		return nil
	}
	return writeJSON(path, k.Check())
}

func (k *Keys) file() keysJSON {
	f := keysJSON{Naming: fileKey(secretID(k.naming, "naming"), k.naming)}
	for _, e := range k.encryption {
		j := fileKey(e.id, e.secret)
		j.Created = &e.created
		f.Encryption = append(f.Encryption, j)
	}
	return f
}

func fileKey(id KeyID, secret []byte) keyJSON {
	return keyJSON{ID: id.String(), Key: base64.StdEncoding.EncodeToString(secret)}
}

func parseKeys(body []byte) (*Keys, error) {
	var f keysJSON
	if err := unmarshalStrictly(body, &f); err != nil {
		return nil, err
	}
	naming, err := f.Naming.secret("naming")
	if err != nil {
		return nil, fmt.Errorf("naming: %w", err)
	}
	if len(f.Encryption) == 0 {
		return nil, errors.New("encryption: want at least one key")
	}
	var encryption []encryptionKey
	for i, j := range f.Encryption {
		secret, err := j.secret("encryption")
		if err != nil {
			return nil, fmt.Errorf("encryption[%d]: %w", i, err)
		}
		if slices.ContainsFunc(f.Encryption[:i], func(o keyJSON) bool { return o.ID == j.ID }) {
			return nil, fmt.Errorf("encryption[%d]: key %s is there twice", i, j.ID)
		}
		var created time.Time
		if j.Created != nil {
			created = *j.Created
		}
		encryption = append(encryption, newEncryptionKey(secret, created))
	}
	return newKeys(naming, encryption), nil
}

// secret returns the key's bytes, checked against its id.
func (j keyJSON) secret(purpose string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(j.Key)
	if err != nil {
		return nil, errors.New("key: want base64")
	}
	if len(secret) != secretLen {
		return nil, fmt.Errorf("key: want %d bytes, got %d", secretLen, len(secret))
	}
	if id := secretID(secret, purpose); id.String() != j.ID {
		return nil, fmt.Errorf("key has the id %s, not %q: one of the two was altered; restore the file from its safe copy", id, j.ID)
	}
	return secret, nil
}

// unmarshalStrictly hides the cause, which might quote a key.
func unmarshalStrictly(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil {
		return fmt.Errorf("no such JSON as expected, up to byte %d: restore the file from its safe copy", d.InputOffset())
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value, from byte %d: restore the file from its safe copy", d.InputOffset())
	}
	return nil
}

func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := checkPrivate(file); err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// checkPrivate refuses a file that the group or the world has rights to.
func checkPrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", file.Name())
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("file %s has mode %04o, so that others may use its keys: run chmod 600 %s", file.Name(), mode, file.Name())
	}
	return nil
}

// writeJSON writes a private file durably and all at once.
func writeJSON(path string, v any) error {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return durably.Replace(path, append(body, '\n'))
}
