package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

const (
	nonceLen = 12
	tagLen   = 16
	// boxOverhead is how much longer a box is than what lies in it.
	boxOverhead = len(KeyID{}) + nonceLen + tagLen
	// contractIDLen is the longest Contract ID (R1); shorter ones are padded, so
	// that the ciphertext does not tell how many digits there are.
	contractIDLen = 20
)

// SealContractID encrypts a Contract ID under the newest encryption key (R3): key
// id, nonce, AES-256-GCM with the contract's id as associated data. Every call
// returns another ciphertext, of the same length for every Contract ID (R1).
func (k *Keys) SealContractID(contract uuid.UUID, contractID string) []byte {
	padded := make([]byte, max(contractIDLen, len(contractID)))
	copy(padded, contractID)
	newest := &k.encryption[len(k.encryption)-1]
	return sealBox(newest.id, newest.aead, contract, padded)
}

// OpenContractID decrypts what SealContractID returned for the same contract,
// under whichever of the keys it was sealed. The error names the key that is
// missing, or says that the ciphertext is not this contract's or was altered.
func (k *Keys) OpenContractID(contract uuid.UUID, sealed []byte) (string, error) {
	if len(sealed) < boxOverhead {
		return "", fmt.Errorf("open Contract ID of %s: want at least %d bytes, got %d", contract, boxOverhead, len(sealed))
	}
	id := KeyID(sealed)
	for i := range k.encryption {
		if k.encryption[i].id != id {
			continue
		}
		padded, err := openBox(k.encryption[i].aead, contract, sealed)
		if err != nil {
			return "", fmt.Errorf("open Contract ID of %s: %w", contract, err)
		}
		return string(trimPadding(padded)), nil
	}
	return "", fmt.Errorf("open Contract ID of %s: encryption key %s is missing; use the newest keys file of this installation", contract, id)
}

func trimPadding(padded []byte) []byte {
	n := len(padded)
	for n > 0 && padded[n-1] == 0 {
		n--
	}
	return padded[:n]
}

var errNotOpened = errors.New("the ciphertext belongs to something else or was altered")

// sealBox returns key id, nonce and ciphertext, bound to what it is of.
func sealBox(id KeyID, aead cipher.AEAD, of uuid.UUID, text []byte) []byte {
	box := make([]byte, len(id)+nonceLen, boxOverhead+len(text))
	copy(box, id[:])
	rand.Read(box[len(id):]) // never fails: the runtime stops the process first
	return aead.Seal(box, box[len(id):], text, of[:])
}

// openBox opens a box of at least boxOverhead bytes under the key that it names.
func openBox(aead cipher.AEAD, of uuid.UUID, box []byte) ([]byte, error) {
	nonce, sealed := box[len(KeyID{}):len(KeyID{})+nonceLen], box[len(KeyID{})+nonceLen:]
	text, err := aead.Open(nil, nonce, sealed, of[:])
	if err != nil {
		return nil, errNotOpened
	}
	return text, nil
}
