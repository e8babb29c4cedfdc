// Package vault keeps what must stay secret: the installation's keys (R3), one
// key per person (R47), and the numbers that tell nobody how many there are
// (R25).
//
// Promises. Everything derived from the naming key is the same for ever and on
// every node, and tells nothing to whoever lacks that key. What was sealed under
// an encryption key opens as long as that key is in the keys file, however often
// it was rotated. A person's key is durable before anything sealed under it is
// handed out; once erased it is gone from memory and from the file, and what was
// sealed under it never opens again. No value of this package prints a key, a
// Contract ID or a text, whatever it is formatted with. Everything here may be
// used by many goroutines at once.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// secretLen is the length of every key in bytes.
const secretLen = 32

// Keys are the installation's keys (R3): the naming key, which never rotates,
// and the encryption keys, of which the newest seals and any opens. Immutable;
// make one with Generate or Load.
type Keys struct {
	naming     []byte
	encryption []encryptionKey // oldest first
	macs       macs
	numbers    numbers
}

type encryptionKey struct {
	id      KeyID
	secret  []byte
	created time.Time
	aead    cipher.AEAD
}

// KeyID names a key without telling anything about it. It may be recorded and
// shown.
type KeyID [8]byte

// String returns the id as 16 lower-case hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// ParseKeyID reads what KeyID.String wrote.
func ParseKeyID(s string) (KeyID, error) {
	var id KeyID
	if len(s) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("key id %q: want 16 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return KeyID{}, fmt.Errorf("key id %q: want 16 hexadecimal digits", s)
	}
	return id, nil
}

// Generate makes new keys for a new installation.
func Generate() *Keys {
	return newKeys(randomSecret(), []encryptionKey{generateEncryptionKey()})
}

// Rotate returns the same keys with a new encryption key that seals from now on.
// The caller writes them and puts them into use; k itself stays as it is.
func (k *Keys) Rotate() *Keys {
	return newKeys(k.naming, append(slices.Clone(k.encryption), generateEncryptionKey()))
}

func newKeys(naming []byte, encryption []encryptionKey) *Keys {
	return &Keys{
		naming:     naming,
		encryption: encryption,
		macs:       newMACs(naming),
		numbers:    numbers{naming: naming},
	}
}

func generateEncryptionKey() encryptionKey {
	return newEncryptionKey(randomSecret(), time.Now().UTC().Truncate(time.Second))
}

func newEncryptionKey(secret []byte, created time.Time) encryptionKey {
	return encryptionKey{
		id:      secretID(secret, "encryption"),
		secret:  secret,
		created: created,
		aead:    newAEAD(secret),
	}
}

// secretID derives a key's id from the key, so that a damaged key in a file is
// noticed and two files can be compared without reading them.
func secretID(secret []byte, purpose string) KeyID {
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, "supportledger key id "+purpose)
	return KeyID(mac.Sum(nil)[:8])
}

// newAEAD panics only for a key of an impossible length: callers check it.
func newAEAD(secret []byte) cipher.AEAD {
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err) // only a key that is not 16, 24 or 32 bytes long
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only a block cipher that is not of 16 bytes
	}
	return aead
}

func randomSecret() []byte {
	secret := make([]byte, secretLen)
	rand.Read(secret) // never fails: the runtime stops the process first
	return secret
}

// Check is what a data folder and a backup remember about the keys they belong
// to. It reveals nothing about them.
type Check struct {
	Naming     string   `json:"naming"`
	Encryption []string `json:"encryption"`
}

// Check returns what to remember about these keys.
func (k *Keys) Check() Check {
	c := Check{Naming: secretID(k.naming, "naming").String()}
	for _, e := range k.encryption {
		c.Encryption = append(c.Encryption, e.id.String())
	}
	return c
}

// Fits says whether data that remembers c can be read and continued with these
// keys. The error names the key that differs or is missing, and the way out.
func (k *Keys) Fits(c Check) error {
	own := k.Check()
	if own.Naming != c.Naming {
		return fmt.Errorf("naming key %s does not fit: the data belongs to naming key %s; use the keys file it was made with", own.Naming, c.Naming)
	}
	for _, id := range c.Encryption {
		if !slices.Contains(own.Encryption, id) {
			return fmt.Errorf("encryption key %s is missing: data may be sealed under it; use the newest keys file of this installation", id)
		}
	}
	return nil
}

// String names the keys by their ids, never by their content.
func (k *Keys) String() string {
	if k == nil {
		return "no keys"
	}
	c := k.Check()
	return fmt.Sprintf("keys(naming %s, encryption %s)", c.Naming, strings.Join(c.Encryption, " "))
}

// Format prints String whatever the verb.
func (k *Keys) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue logs String.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
