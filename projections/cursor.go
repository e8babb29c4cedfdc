package projections

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrCursor refuses a cursor that this question has not given: malformed, or of
// another question, account, filter or order. Ask for the first page again.
var ErrCursor = errors.New("the cursor does not belong to this list")

const fingerprintBytes = 8

// writeCursor makes an opaque cursor of the key of a page's last row, for one
// question with its filter. A key holds nothing that the row itself does not
// show.
func writeCursor(question, key any) (string, error) {
	print, err := fingerprint(question)
	if err != nil {
		return "", err
	}
	last, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(print, last...)), nil
}

// readCursor reads a cursor of the same question into key. It returns false for
// the first page.
func readCursor(question any, cursor string, key any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	print, err := fingerprint(question)
	if err != nil {
		return false, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < len(print) || string(raw[:len(print)]) != string(print) {
		return false, ErrCursor
	}
	if err := json.Unmarshal(raw[len(print):], key); err != nil {
		return false, ErrCursor
	}
	return true, nil
}

func fingerprint(question any) ([]byte, error) {
	b, err := json.Marshal(question)
	if err != nil {
		return nil, fmt.Errorf("write cursor: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:fingerprintBytes], nil
}
